"""One module a verb: its arguments, and what it does."""
