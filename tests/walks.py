"""A right track, for the tests of the review queue."""

import numpy as np

FRAME = (1000, 800)


def walk(n_frames=300, noise=1.0, seed=0):
    """A box of 100 x 80 that walks in a circle, with noise of a pixel."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_frames)
    center = np.column_stack([500 + 300 * np.cos(t / 90), 400 + 250 * np.sin(t / 90)])
    center += rng.normal(0, noise, center.shape)
    return np.column_stack([center - [50, 40], np.full(n_frames, 100.0), np.full(n_frames, 80.0)])
