"""Which frames a model runs on: batches, only what changed, every n-th first."""
