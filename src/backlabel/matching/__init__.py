"""From hashes and standardised images to candidates, scores, verdicts and pairs."""
