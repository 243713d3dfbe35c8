import numpy as np
import pytest

from napari_cropzoom.core.runs import next_run


@pytest.mark.parametrize(
    ("frame", "direction", "found"),
    [(0, 1, 3), (3, 1, 8), (4, 1, 8), (8, 1, None), (9, -1, 3), (8, -1, 3), (6, -1, 3), (4, -1, None)],
)
def test_going_from_stretch_to_stretch(frame, direction, found):
    mask = np.array([0, 0, 0, 1, 1, 1, 0, 0, 1, 1], bool)
    assert next_run(mask, frame, direction) == found
