"""Keypoints of the current frame: their marks, the layers that show them, the skeleton, names."""
