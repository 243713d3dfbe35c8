"""Formats of programs that say where keypoints are."""
