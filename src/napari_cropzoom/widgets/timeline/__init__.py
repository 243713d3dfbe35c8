"""The timeline: its model, its rows, its plot."""
