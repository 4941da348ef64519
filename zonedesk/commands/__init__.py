"""The commands, a file for each group of them. Work is imported when a command runs, so that help comes at once."""
