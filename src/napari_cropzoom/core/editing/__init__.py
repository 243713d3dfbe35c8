"""Edits of box tracks, their history, and the range tools that make them."""
