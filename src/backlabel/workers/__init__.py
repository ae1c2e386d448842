"""Worker processes with limits of seconds and memory for each item."""
