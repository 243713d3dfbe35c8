"""A network in memory: what it is given, what runs it, and how it is made faster."""
