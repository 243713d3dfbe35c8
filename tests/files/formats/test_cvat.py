"""CVAT for video, as CVAT's own code writes it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.formats.outside_rows import BoxesOut
from napari_cropzoom.files.formats.registry import get_export
from outside_tables import VIDEO, read, write

N = VIDEO.n_frames


def box(frame, outside=0, x=10.0):
    return (
        f'<box frame="{frame}" outside="{outside}" occluded="0" keyframe="1" xtl="{x:.2f}" ytl="20.00" '
        f'xbr="{x + 60:.2f}" ybr="60.00" z_order="0"></box>'
    )


def task(tmp_path, *boxes, meta=""):
    track = f'<track id="0" label="mouse" source="manual">{"".join(boxes)}</track>'
    head = '<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>'
    text = f"{head}{meta}{track}</annotations>"
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


def meta(width=VIDEO.width, height=VIDEO.height, n_frames=N, source=VIDEO.name):
    size = f"<original_size><width>{width}</width><height>{height}</height></original_size>"
    return f"<meta><task><size>{n_frames}</size>{size}</task><source>{source}</source></meta>"


def test_boxes_of_a_video_of_another_size_are_refused(tmp_path):
    path = task(tmp_path, box(2), box(4, 1), meta=meta(width=VIDEO.width // 2))
    with pytest.raises(CropzoomError, match="Give the video that it is of"):
        read(path)


@pytest.mark.parametrize(
    ("about", "said"),
    [({"source": "other.mp4"}, "it is of 'other.mp4'"), ({"n_frames": N + 60}, f"has {N + 60} frames")],
)
def test_another_name_or_number_of_frames_is_said(tmp_path, about, said):
    found = read(task(tmp_path, box(2), box(4, 1), meta=meta(**about)))
    assert any(said in note for note in found.notes), found.notes


def test_the_very_video_is_no_reason_for_doubt(tmp_path):
    assert read(task(tmp_path, box(2), box(4, 1), meta=meta())).notes == ()


def test_what_lies_evenly_between_others_is_no_keyframe(tmp_path):
    """CVAT keeps keyframes only, and puts the boxes between them."""
    boxes = np.tile([10.0, 20, 60, 40], (N, 1))
    boxes[2:6, 0] += 3 * np.arange(4)
    boxes[6] = np.nan
    boxes[7:, 1] += [0, 5, 1]
    path = tmp_path / "out.xml"
    get_export("cvat").write(path, BoxesOut({"mouse": boxes}, VIDEO))
    lines = path.read_text().splitlines()
    kept = [line for line in lines if 'keyframe="0"' not in line]
    frames = [int(line.split('"')[1]) for line in kept if line.startswith("<box")]
    assert frames == [0, 2, 5, 6, 7, 8, 9]
    for name, some in ("all.xml", lines), ("kept.xml", kept):
        [track] = read(write(tmp_path, "\n".join(some), name)).settled.tracks
        np.testing.assert_array_equal(track.boxes, boxes)
