"""Training with Lightning Pose, and what its models are worth on labeled frames."""
