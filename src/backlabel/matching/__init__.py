"""Which JPEG is the copy of which TIFF: search, scores, verdicts."""
