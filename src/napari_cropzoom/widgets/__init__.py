"""The docks: steps, timeline, crop preview, player."""
