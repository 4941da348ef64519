"""What a model is told when it judges a trade setup; one file for each version."""
