"""What a model is told when it judges a zone; one file for each version."""
