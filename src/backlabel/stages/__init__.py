"""One thin module per DVC stage: load, loop, write."""
