"""The warm process that models run in: its stages and its server."""
