"""Detectors for napari-cropzoom."""
