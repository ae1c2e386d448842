"""A page on loopback on which people look at pairs and decide; decisions go to `reviews/`."""
