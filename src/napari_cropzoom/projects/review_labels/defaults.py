"""How labels are made by review unless something else is asked for; light, for the command line."""

FRAMES = 30
"""At most so many are added."""
GAP = 15
"""Frames between two of one video."""
LIKELY = 0.5
"""Keypoints whose likelihood is below it are left empty."""
