"""Verbs that show a review to others."""
