"""What a person says of labels made by review is kept at once, and the table to train on follows."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.files.predictions_csv import read_predictions_table
from napari_cropzoom.files.provenance import file_identity
from napari_cropzoom.projects.review_labels.label_review import (
    Counts,
    LabelReview,
    Verdict,
    count_labels,
    unseen_in_table,
    write_label_table,
)
from napari_cropzoom.projects.review_labels.label_table import rows_of
from napari_cropzoom.projects.review_labels.record import (
    added_frames,
    label_journal,
    record_of,
    video_in_record,
    with_review,
    without_review,
    write_record,
)

HEAD = "scorer,me,me,me,me\nbodyparts,nose,nose,tail,tail\ncoords,x,y,x,y\n"
OWN = HEAD + "labeled-data/old/img1.png,1.50,2,3,4\n"
A, B, C = (f"labeled-data/a/img0000000{n}.png" for n in (1, 2, 3))
FOUND = {A: (0.9, 0.9), B: (0.6, 0.2), C: (0.8, 0.7)}


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Labels of a project, and three made by review; of the second the tail is unlikely."""
    path = tmp_path / "lab ü" / "CollectedData.csv"
    path.parent.mkdir()
    path.write_text(OWN)
    about = {
        image: {
            "video": "videos/a.mp4",
            "frame": number,
            "box": [0, 0, 40, 20],
            "why": "a jump",
            "keypoints": {"nose": [10.0, 11.0, nose], "tail": [20.0, 21.0, tail]},
            "least": 0.5,
        }
        for number, (image, (nose, tail)) in enumerate(FOUND.items())
    }
    write_record(record_of(with_review(path)), about)
    write_label_table(path)
    return path


@pytest.fixture
def review(labels: Path):
    review = LabelReview.read(labels)
    review.start()
    yield review
    review.close()


def table(labels: Path) -> dict[str, dict[str, tuple[float, float]]]:
    return rows_of(read_predictions_table(with_review(labels)))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"images": 3}'])
def test_a_record_that_cannot_be_read_is_told_and_never_written_over(labels, content):
    record = record_of(with_review(labels))
    record.write_bytes(content)
    for reads in (
        lambda: LabelReview.read(labels),
        lambda: write_record(record, {}),
        lambda: added_frames(labels),
    ):
        with pytest.raises(CropzoomError, match="so which labels were made by review is not known"):
            reads()
    assert record.read_bytes() == content
    record.unlink()
    assert LabelReview.read(labels).counts == Counts(0, 0, 0)


def test_at_first_all_are_in_the_table_and_none_counts_as_accepted(labels):
    assert list(table(labels)) == ["labeled-data/old/img1.png", A, B, C]
    assert table(labels)[B] == {"nose": (10.0, 11.0)}
    assert with_review(labels).read_text().splitlines()[3] == "labeled-data/old/img1.png,1.5,2,3,4"
    assert count_labels(labels) == Counts(3, 0, 0)
    assert count_labels(labels).told() == "0 of 3 accepted, 3 to look at"
    assert LabelReview.read(labels).by_doubt() == [B, C, A]
    assert without_review(with_review(labels)) == labels == without_review(labels)


def test_what_is_said_is_there_again_and_in_the_table(labels, review):
    review.place(A, "nose", (12.34567, 5))
    review.say(A, Verdict.ACCEPTED)
    review.say(C, Verdict.REJECTED)
    review.place(B, "tail", review.place_of(B, "tail"))
    review.place(B, "nose", None)
    lines = label_journal(with_review(labels)).read_bytes().count(b"\n")
    review.say(A, Verdict.ACCEPTED)  # which changes nothing
    assert label_journal(with_review(labels)).read_bytes().count(b"\n") == lines == 6
    again = LabelReview.read(labels)
    assert again.made == review.made
    assert again.counts == Counts(3, 1, 1)
    again.write_table()
    assert table(labels) == {
        "labeled-data/old/img1.png": {"nose": (1.5, 2), "tail": (3, 4)},
        A: {"nose": (12.346, 5), "tail": (20, 21)},
        B: {"tail": (20, 21)},
    }


def test_acts_are_taken_back_and_done_again_in_another_window_too(labels, review):
    review.place(A, "nose", (1, 2))
    review.say(A, Verdict.ACCEPTED)
    review.say(B, Verdict.REJECTED)
    assert review.undo() == B
    review.close()
    again = LabelReview.read(labels)
    again.start()
    try:
        assert again.made[B].said is Verdict.NOTHING
        assert again.undo() == A
        assert again.made[A].said is Verdict.NOTHING
        assert again.made[A].xy["nose"] == (1, 2)
        assert again.undo() == A
        assert again.made[A].xy["nose"] == (10, 11)
        assert again.undo() is None
        assert [again.redo() for _ in range(4)] == [A, A, B, None]
        assert again.counts == Counts(3, 1, 1)
        again.undo()
        again.place(C, "nose", None)
        assert again.redo() is None  # something else was done since
    finally:
        again.close()
    assert LabelReview.read(labels).made == again.made


def test_those_that_nobody_has_looked_at_can_be_left_out_and_come_back(labels, review):
    review.say(A, Verdict.ACCEPTED)
    review.take_unseen(False)
    review.write_table()
    assert list(table(labels)) == ["labeled-data/old/img1.png", A]
    assert LabelReview.read(labels).counts == Counts(3, 1, 0)
    review.take_unseen(True)
    write_label_table(labels)
    assert [*table(labels)][1:] == [A, B, C]
    assert table(labels)[B] == {"nose": (10.0, 11.0)}


def test_an_image_without_any_keypoint_is_not_accepted_and_in_no_table(labels, review):
    review.place(B, "nose", None)
    with pytest.raises(CropzoomError, match="No keypoint is visible here"):
        review.say(B, Verdict.ACCEPTED)
    review.write_table()
    assert [*table(labels)][1:] == [A, C]
    again = LabelReview.read(labels)
    assert again.made[B].said is Verdict.NOTHING
    review.place(B, "tail", review.place_of(B, "tail"))
    review.say(B, Verdict.ACCEPTED)
    assert review.counts == Counts(3, 1, 0)


def test_a_form_is_told_how_many_that_nobody_has_looked_at_it_would_train_on(labels, review):
    assert unseen_in_table(labels) == ""
    review.say(A, Verdict.ACCEPTED)
    told = unseen_in_table(with_review(labels))
    assert told.startswith(
        "Nobody has looked at 2 labels made by review in CollectedData_with_review.csv"
    )
    review.take_unseen(False)
    assert unseen_in_table(with_review(labels)) == ""


def test_a_window_that_is_killed_loses_nothing(labels):
    """The last line may be cut off; the table is made anew of the rest."""
    script = (
        "import os, sys\nfrom pathlib import Path\n"
        "from napari_cropzoom.projects.review_labels.label_review import LabelReview, Verdict\n"
        "review = LabelReview.read(Path(sys.argv[1]))\nreview.start()\n"
        f"review.place({A!r}, 'nose', (7, 8))\nreview.say({A!r}, Verdict.ACCEPTED)\n"
        f"review.say({B!r}, Verdict.REJECTED)\nos.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(labels)], check=False)
    journal = label_journal(with_review(labels))
    with journal.open("ab") as file:
        file.write(b'{"do":"label","image":"lab')
    review = LabelReview.read(labels)
    review.start()  # the lock ended with the process
    try:
        assert not review.read_only
        assert review.made[A].said is Verdict.ACCEPTED
        assert review.made[A].xy["nose"] == (7, 8)
        assert review.counts == Counts(3, 1, 1)
        review.say(C, Verdict.ACCEPTED)
    finally:
        review.close()
    review.write_table()
    assert LabelReview.read(labels).counts == Counts(3, 2, 1)
    assert [*table(labels)][1:] == [A, C]


def test_a_second_window_reads_only_and_changes_nothing(labels, review):
    other = LabelReview.read(labels)
    other.start()
    try:
        assert "open the labels again" in other.read_only
        with pytest.raises(CropzoomError, match="open in another window"):
            other.say(A, Verdict.ACCEPTED)
        assert other.made[A].said is Verdict.NOTHING
    finally:
        other.close()
    review.say(A, Verdict.ACCEPTED)
    assert count_labels(labels) == Counts(3, 1, 0)


def test_what_another_program_did_to_the_table_is_kept(labels):
    target = with_review(labels)
    os.utime(record_of(target), (1, 1))  # or both may be of one moment
    lines = target.read_text().splitlines(keepends=True)
    row = next(line for line in lines if line.startswith(A))
    lines = [line for line in lines if not line.startswith((A, C))]
    target.write_text(
        "".join([*lines, row.replace("10.0,11.0", "33,44"), "labeled-data/b/x.png,1,2,3,4\n"])
    )
    review = LabelReview.read(labels)
    assert review.made[A].xy == {"nose": (33, 44), "tail": (20, 21)}
    assert review.made[A].said is Verdict.NOTHING
    assert review.made[C].said is Verdict.REJECTED
    review.start()
    review.close()
    review.write_table()
    assert LabelReview.read(labels).made == review.made
    assert [*table(labels)][1:] == ["labeled-data/b/x.png", A, B]


def test_a_table_left_behind_by_a_crash_is_no_act_of_another_program(labels, review):
    old = with_review(labels).read_bytes()
    review.place(A, "nose", (1, 2))
    review.write_table()
    with_review(labels).write_bytes(old)
    again = LabelReview.read(labels)
    assert again.made == review.made


def test_what_is_said_while_the_table_is_written_is_no_act_of_another_program(labels, review):
    review.say(C, Verdict.REJECTED)
    writing = LabelReview.read(labels)
    review.undo()
    writing.write_table()  # later than the undo, and without C
    assert C not in table(labels)
    assert LabelReview.read(labels).made[C].said is Verdict.NOTHING
    write_label_table(labels)
    assert C in table(labels)


def test_a_record_of_before_is_read_with_the_places_in_the_table(labels):
    record = record_of(with_review(labels))
    content = json.loads(record.read_text())
    for about in content["images"].values():
        del about["keypoints"], about["least"]
    content["images"]["labeled-data/gone.png"] = dict(about)
    record.write_text(json.dumps(content | {"version": 1}))
    review = LabelReview.read(labels)
    assert [*review.made] == [A, B, C]
    assert review.made[B].xy == {"nose": (10, 11)}
    review.start()
    review.say(B, Verdict.REJECTED)
    review.write_table()
    review.undo()
    review.close()
    review.write_table()
    assert table(labels)[B] == {"nose": (10, 11)}


def test_a_row_that_the_project_has_labels_of_by_now_is_asked_for_no_more(labels, review):
    review.say(A, Verdict.ACCEPTED)
    review.say(B, Verdict.ACCEPTED)
    review.close()
    labels.write_text(OWN + f"{B},9,9,9,9\n")
    again = LabelReview.read(labels)
    assert again.counts == Counts(2, 1, 0)
    again.start()
    assert again.undo() == A
    again.close()
    again.write_table()
    assert table(labels)[B] == {"nose": (9, 9), "tail": (9, 9)}
    assert LabelReview.read(labels).made == again.made


def test_other_keypoints_and_broken_lines_are_refused_with_a_cure(labels, review):
    review.say(A, Verdict.ACCEPTED)
    review.close()
    journal = label_journal(with_review(labels))
    journal.write_bytes(journal.read_bytes() + b'{"do":"label","image":3}\n{"do":"undo"}\n')
    assert LabelReview.read(labels).counts.accepted == 1  # what makes no sense is left out
    labels.write_text(OWN.replace("tail", "ear"))
    with pytest.raises(CropzoomError, match="Move it away"):
        LabelReview.read(labels)


def test_frames_that_were_added_are_found_after_the_project_has_moved(labels, tmp_path):
    root = labels.parent
    (root / "videos").mkdir()
    video = root / "videos" / "a.mp4"
    video.touch()
    assert video_in_record(video, labels) == "videos/a.mp4"
    assert video_in_record(tmp_path / "b.mp4", labels) == str(tmp_path / "b.mp4")
    content = json.loads(record_of(with_review(labels)).read_text())
    content["images"][A]["video"] = str(video)  # as older versions wrote it
    record_of(with_review(labels)).write_text(json.dumps(content))
    assert added_frames(labels) == {video: [0, 1, 2]}
    moved = Path(shutil.move(root, tmp_path / "moved"))
    assert added_frames(moved / labels.name) == {moved / "videos" / "a.mp4": [0, 1, 2]}
    review = LabelReview.read(moved / labels.name)
    review.start()
    review.say(B, Verdict.REJECTED)
    review.close()
    review.write_table()
    assert added_frames(moved / labels.name) == {moved / "videos" / "a.mp4": [0, 2]}


def with_identities(labels: Path, video: Path) -> None:
    """Have the record say of which file the images are, as it does now."""
    record = record_of(with_review(labels))
    content = json.loads(record.read_text())
    for about in content["images"].values():
        about["video_identity"] = file_identity(video)
    record.write_text(json.dumps(content))


def test_a_moved_video_is_known_by_its_bytes_not_by_the_end_of_its_path(labels, tmp_path):
    """Two videos end in the same name: day 1 was labeled, and only day 2's lies where the path ends."""
    day_1, day_2 = (tmp_path / "old" / day / "cam1.mp4" for day in ("day1", "day2"))
    for video in (day_1, day_2):
        video.parent.mkdir(parents=True)
        video.write_bytes(video.parent.name.encode() * 50)
    record = record_of(with_review(labels))
    content = json.loads(record.read_text())
    for about in content["images"].values():
        about["video"] = str(day_1)
    record.write_text(json.dumps(content))
    with_identities(labels, day_1)
    here = labels.parent / "videos"
    here.mkdir()
    wrong, right = labels.parent / "cam1.mp4", here / "first day.mp4"
    shutil.move(day_2, wrong)
    shutil.move(day_1, right)
    told: list[str] = []
    assert added_frames(labels, [wrong, right], told.append) == {right: [0, 1, 2]}
    assert added_frames(labels, [], told.append) == {}
    assert told == []
    right.rename(tmp_path / "cam1.mp4")
    (labels.parent / "old").mkdir()
    assert added_frames(labels, [wrong], told.append) == {}


def test_a_video_that_was_made_again_under_its_name_is_told(labels):
    video = labels.parent / "videos" / "a.mp4"
    video.parent.mkdir()
    video.write_bytes(b"first")
    with_identities(labels, video)
    told: list[str] = []
    assert added_frames(labels, [video], told.append) == {video: [0, 1, 2]}
    assert told == []
    video.write_bytes(b"again")
    assert added_frames(labels, [video], told.append) == {}
    assert len(told) == 1
    assert f"{video}: is another file than the one of which labels were made by review" in told[0]
    assert "(3 frames in CollectedData_with_review.csv)" in told[0]


def test_a_video_of_which_a_record_says_the_name_only_is_told(labels):
    video = labels.parent / "videos" / "a.mp4"
    video.parent.mkdir()
    video.touch()
    told: list[str] = []
    assert added_frames(labels, notify=told.append) == {video: [0, 1, 2]}
    assert len(told) == 1
    assert "says only the name of that video" in told[0]
