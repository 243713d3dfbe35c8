"""Arrays and rules: boxes, edits, smoothing, inspection; numpy, pandas and scipy only."""
