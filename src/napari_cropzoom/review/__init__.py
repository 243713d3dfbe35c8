"""The review of one video: tracks, edits, journal, inspection."""
