"""What the dock does to the whole window: drops, closing, the view, layers that are deleted, Ctrl+S."""
