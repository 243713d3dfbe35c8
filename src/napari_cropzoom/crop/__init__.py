"""Cutting the animal out, encoding it, the record of a crop, and the way back to the full frame."""
