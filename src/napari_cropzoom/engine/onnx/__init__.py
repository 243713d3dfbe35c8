"""A model's ONNX export in place of its network: built, compared with the network, run without torch."""
