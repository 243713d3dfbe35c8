"""Inspecting a track, in any thread."""
