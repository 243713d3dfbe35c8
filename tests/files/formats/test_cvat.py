"""CVAT for video, as CVAT's own code writes it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from outside_tables import VIDEO, read, write

N = VIDEO.n_frames


def box(frame, outside=0, x=10.0):
    return (
        f'<box frame="{frame}" outside="{outside}" occluded="0" keyframe="1" xtl="{x:.2f}" ytl="20.00" '
        f'xbr="{x + 60:.2f}" ybr="60.00" z_order="0"></box>'
    )


def task(tmp_path, *boxes):
    track = f'<track id="0" label="mouse" source="manual">{"".join(boxes)}</track>'
    text = (
        f'<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>{track}</annotations>'
    )
    return write(tmp_path, text, "annotations.xml")


@pytest.mark.parametrize("end", [N, N + 4])
def test_a_box_that_ends_behind_the_video_stays_to_its_end(tmp_path, end):
    path = task(tmp_path, box(2), box(5, 1), box(N - 3, x=40), box(end, 1, x=40))
    [track] = read(path).settled.tracks
    assert np.flatnonzero(track.is_missing).tolist() == [0, 1, 5, 6]
    np.testing.assert_allclose(track.boxes[N - 3 :], [[40, 20, 60, 40]] * 3)


@pytest.mark.parametrize("frames", [(2, N), (-1, 3)])
def test_a_box_in_a_frame_that_is_not_there_is_refused(tmp_path, frames):
    wrong = next(frame for frame in frames if not 0 <= frame < N)
    with pytest.raises(CropzoomError, match=f"there is no frame {wrong}"):
        read(task(tmp_path, *map(box, frames)))
