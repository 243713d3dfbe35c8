"""Which frames of a track are suspicious, and why."""
