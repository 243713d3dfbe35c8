"""Verbs that take boxes from other programs and give results to them."""
