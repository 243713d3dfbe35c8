"""From edited boxes to final ones: sizing, smoothing, filling, whole pixels."""
