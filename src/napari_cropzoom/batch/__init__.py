"""Many videos, one after the other: detector, boxes, review where it is needed, pose."""
