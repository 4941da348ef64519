"""The vocabulary: values without behaviour that reaches outside."""
