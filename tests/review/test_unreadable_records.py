"""What a review has written beside the boxes, where it cannot be read any more: told, and not lost."""

import json
import warnings

import numpy as np
import pytest

from napari_cropzoom.core.boxes import Source
from napari_cropzoom.core.editing.range_tools import mark_absent
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.bbox_csv import read_bbox_csv
from napari_cropzoom.files.review_paths import journal_file, reviewed_csv, without_absent
from napari_cropzoom.review.stored import read_review

N = 60


@pytest.fixture
def saved(session, tmp_path):
    """Final boxes of a review that saw no animal in two frames."""
    boxes = np.tile([40.0, 30, 60, 60], (N, 1))
    session.set_raw(boxes, tmp_path / "boxes" / "mouse_bbox.csv", Source.DETECTED)
    session.apply(mark_absent(session.track, 4, 5))
    return session.save()


def test_frames_without_an_animal_are_not_forgotten_in_silence(session, saved):
    metadata, video = saved.with_name("metadata.json"), session.video.path
    boxes = read_bbox_csv(saved)
    assert np.isnan(without_absent(boxes, saved, video)[4:6]).all()
    for content in (b"", b"{", b"\xff", b"[" * 100_000):
        metadata.write_bytes(content)
        with pytest.raises(
            CropzoomError, match=r"saw no animal is not known\. Save the review again, or del"
        ):
            without_absent(boxes, saved, video)
    metadata.write_text('["of another program"]')
    assert without_absent(boxes, saved, video) is boxes
    metadata.unlink()
    assert without_absent(boxes, saved, video) is boxes


def test_saving_sets_aside_what_it_cannot_read(session, saved):
    metadata = saved.with_name("metadata.json")
    damaged = metadata.read_bytes()[:-9]
    metadata.write_bytes(damaged)
    with pytest.warns(UserWarning, match="metadata.json: cannot be read .*Saving gives it another name"):
        assert session.save() == saved
    assert metadata.with_name("metadata_1.json").read_bytes() == damaged
    assert json.loads(metadata.read_text())["videos"][session.video.path.stem]["absent"] == [4, 5]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session.save()


def test_a_journal_that_says_nonsense_of_its_video_is_not_taken_on_trust(session, saved):
    raw, video = session.raw_csv, session.video.path
    session.close()
    journal = journal_file(raw)
    head, rest = journal.read_bytes().split(b"\n", 1)
    content = json.loads(head)
    for value in ("x", [], 0, {}, {"bytes": None}):
        journal.write_bytes(json.dumps({**content, "made_of": value}).encode() + b"\n" + rest)
        with pytest.raises(CropzoomError, match=r"line 1|was made of another file"):
            read_review(raw, N, Source.DETECTED, video=video)
    del content["made_of"]  # of an older version
    journal.write_bytes(json.dumps(content).encode() + b"\n" + rest)
    assert read_review(raw, N, Source.DETECTED, video=video).exists
    assert reviewed_csv(raw, video) == saved
