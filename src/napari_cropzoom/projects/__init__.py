"""A project on disk: its videos, models and labels, and how far each is."""
