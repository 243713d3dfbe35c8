"""The dock *Training*: from labeled frames to a detector, reviewed boxes and a pose model."""
