"""Curves of a track, reduced to what a screen can show."""
