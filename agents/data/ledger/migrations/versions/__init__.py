"""One module for each step, never changed once it has run anywhere."""
