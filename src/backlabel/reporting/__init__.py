"""What a run found, in numbers and pictures, and where it is reported."""
