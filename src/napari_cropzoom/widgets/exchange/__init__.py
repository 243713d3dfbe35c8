"""Boxes of other programs in the window, and the way out to them and to napari."""
