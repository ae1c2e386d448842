"""JPEGs that show a part of a TIFF, at any scale and angle: found, registered, verified."""
