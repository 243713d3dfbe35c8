"""Larger controls that the steps of the dock are made of."""
