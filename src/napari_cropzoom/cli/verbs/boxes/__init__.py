"""Verbs that make boxes or look at them."""
