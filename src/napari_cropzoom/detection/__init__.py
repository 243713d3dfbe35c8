"""Detectors that need no network, and the registry of all detectors."""
