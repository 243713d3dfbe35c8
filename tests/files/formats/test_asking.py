"""What a window asks of a file is what the command line asks; its words name no option of that."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.formats.asking import ask, in_window, needs_size, takes_ratio
from napari_cropzoom.files.formats.importing import Understood, settled, understand
from napari_cropzoom.files.formats.outside import OUTSIDE
from napari_cropzoom.files.formats.outside_rows import ImportOptions, OutsideRows, VideoFacts
from napari_cropzoom.files.formats.packed import pack, unpack
from outside_files import FIRST, FIRST_FILES, FIRST_VIDEO, NO_SHARED

VIDEO = VideoFacts("v.mp4", 640, 480, 10, 30.0)


def found(frames, boxes=None, **about):
    boxes = np.tile([30.0, 40, 100, 80], (len(frames), 1)) if boxes is None else np.asarray(boxes, float)
    n = len(frames)
    said = OutsideRows(("animal",), np.zeros(n, np.int64), np.array(frames), boxes=boxes, **about)
    return Understood(FIRST / "boxes.csv", OUTSIDE[3], said)


@pytest.mark.parametrize(
    ("frames", "said", "usual"),
    [
        (frames, said, usual)
        for frames, said, usual in itertools.product(
            ([0, 4], [1, 9], [1, 10], [3, 5], [4]), (None, 0, 1), (None, 0, 1)
        )
        if max(frames) < 10 or said != 0
    ],
)
def test_the_first_frame_is_what_the_command_takes_or_it_is_asked(frames, said, usual):
    it = found(frames, first_frame=said, usual_first=usual)
    asked = ask(it, VIDEO, ImportOptions())
    assert asked.imported is not None, asked.trouble
    if asked.first_frame.is_open:
        assert (said, usual) == (None, None)
        assert min(frames) > 0
        assert max(frames) < VIDEO.n_frames
        assert asked.is_open
        return
    assert asked.first_frame.value == settled(it, VIDEO, ImportOptions()).settled.first_frame


def test_an_answer_is_taken_and_called_yours():
    asked = ask(found([1, 5], first_frame=None), VIDEO, ImportOptions(first_frame=1))
    assert (asked.first_frame.value, asked.first_frame.why, asked.is_open) == (1, "as you say", False)
    assert np.flatnonzero(~asked.imported.settled.tracks[0].is_missing).tolist() == [0, 4]


def test_corner_or_centre_is_asked_where_the_numbers_fit_both():
    it = found([0, 1], np.tile([300.0, 200, 100, 80], (2, 1)), corner=None)
    asked = ask(it, VIDEO, ImportOptions())
    assert asked.corner.is_open
    assert asked.is_open
    as_centre = ask(it, VIDEO, ImportOptions(corner="centre"))
    assert not as_centre.is_open
    assert as_centre.imported.settled.tracks[0].boxes[0].tolist() == [250, 160, 100, 80]


def test_what_does_not_fit_is_told_in_words_of_the_window():
    asked = ask(found([1, 10], first_frame=0), VIDEO, ImportOptions())
    assert asked.imported is None
    assert asked.is_open
    assert "choose 1 as the number of the first frame" in asked.trouble


def test_no_message_of_a_reader_names_an_option_in_the_window(tmp_path):
    """All that are raised here, and every one that names an option in the source."""
    told = []
    files = {
        "a.csv": "frame,x,y,w,h\n1,10,20,30,40\n",
        "b.csv": "frame,x,y\n0,10,20\n",
        "c.csv": "what,ever\n1,2\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.write_text(text)
        for options in (ImportOptions(), ImportOptions(crop_ratio=2), ImportOptions(crop_size=9)):
            with pytest.raises(CropzoomError) as error:  # noqa: PT012
                settled(understand(path, VIDEO, options), VIDEO, replace(options, tracks=("other",)))
                raise CropzoomError("")
            told.append(str(error.value))
    assert any("--" in each for each in told)
    assert [each for each in map(in_window, told) if "--" in each] == []


@pytest.mark.skipif(not FIRST.is_dir(), reason=NO_SHARED)
@pytest.mark.parametrize("name", sorted(FIRST_FILES))
def test_a_file_asks_for_a_size_where_it_has_points_and_survives_the_way_between_processes(
    name, tmp_path
):
    expected = FIRST_FILES[name]
    first = understand(FIRST / name, FIRST_VIDEO, ImportOptions(**expected.options))
    pack(tmp_path / "said.npz", first)
    again = unpack(tmp_path / "said.npz")
    assert again.format is first.format
    options = expected.import_options()
    assert needs_size(again.said) == (expected.kind != "boxes")
    if expected.kind == "keypoints":
        assert takes_ratio(again.said)
    here, there = (ask(each, FIRST_VIDEO, options) for each in (first, again))
    assert here.imported.notes == there.imported.notes
    for one, other in zip(here.imported.settled.tracks, there.imported.settled.tracks, strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.confidence, other.confidence)
