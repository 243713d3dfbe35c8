import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_cropzoom.core.runs import mask_of, next_run, runs


@pytest.mark.parametrize(
    ("frame", "direction", "found"),
    [(0, 1, 3), (3, 1, 8), (4, 1, 8), (8, 1, None), (9, -1, 3), (8, -1, 3), (6, -1, 3), (4, -1, None)],
)
def test_going_from_stretch_to_stretch(frame, direction, found):
    mask = np.array([0, 0, 0, 1, 1, 1, 0, 0, 1, 1], bool)
    assert next_run(mask, frame, direction) == found


@given(st.lists(st.booleans()))
def test_a_mask_comes_back_from_its_stretches(values):
    mask = np.array(values, bool)
    assert mask_of(runs(mask), len(mask)).tolist() == values
