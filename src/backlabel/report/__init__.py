"""One HTML file that says what a run found, for people, without a network."""
