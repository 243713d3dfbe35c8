"""How far a video is, with reviews, crops and records as the window and the commands write them."""

import csv
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lpmodels import make_predictions_folder
from napari_cropzoom.cli import main
from napari_cropzoom.core.boxes import Box, Source
from napari_cropzoom.core.editing.range_tools import mark_absent
from napari_cropzoom.core.inspection.posed import TOUCHES
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.core.smoothing.sizing import SizingSettings, boxes_from_keypoints
from napari_cropzoom.crop.crop import crop_video
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_bbox_csv
from napari_cropzoom.files.belonging import sign
from napari_cropzoom.files.predictions_csv import write_predictions
from napari_cropzoom.files.provenance import (
    MadeWith,
    made_with_path,
    read_video_predictions,
    video_identity,
    write_made_with,
)
from napari_cropzoom.files.review_paths import (
    file_sha256,
    remember_results,
    remember_reviewed,
    reviewed_csv,
    without_absent,
)
from napari_cropzoom.projects.known_states import KnownStates
from napari_cropzoom.projects.layout import Project
from napari_cropzoom.projects.results import Results
from napari_cropzoom.projects.states import VideoState, read_state
from napari_cropzoom.projects.table import told
from napari_cropzoom.review.session import Session
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.video import Video
from videos import BLOB_FRAMES, make_blob_video

N = BLOB_FRAMES
JUMP = 20


def poses() -> Poses:
    """Of an animal that walks, and for three frames is said to be elsewhere."""
    t = np.arange(N)[:, None]
    xy = np.stack([60 + 0.5 * t + [[0, 20, 40]], 80 + 0.2 * t + [[0, 10, 20]]], axis=2)
    xy[JUMP : JUMP + 3] += [180, 90]
    return Poses(("nose", "back", "tail"), xy, np.full((N, 3), 0.9))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("lab") / "cam é [1].mp4"
    make_blob_video(path)
    return path


@pytest.fixture
def root(recorded: Path, tmp_path: Path) -> Path:
    """A project with two videos of one recording, of which one has been through the detector."""
    root = tmp_path / "lab ü"
    (root / "videos").mkdir(parents=True)
    shutil.copy(recorded, root / "videos" / "cam é [1].mp4")
    shutil.copy(recorded, root / "videos" / "new.mp4")
    make_predictions_folder(root / "models" / "detector", video_of(root), poses())
    model = make_predictions_folder(root / "models" / "pose", video_of(root), poses())
    (model / "video_preds" / f"{video_of(root).stem}.csv").unlink()
    return root


def video_of(root: Path) -> Path:
    return root / "videos" / "cam é [1].mp4"


def raw_of(root: Path) -> Path:
    return root / "models" / "detector" / "video_preds" / f"{video_of(root).stem}_bbox.csv"


def state_of(root: Path) -> VideoState:
    project = Project.open(root)
    return read_state(Results.of(project, video_of(root)))


def put_boxes(root: Path) -> None:
    write_bbox_csv(raw_of(root), boxes_from_keypoints(poses(), SizingSettings()))
    sign(raw_of(root), video_of(root))


def review(root: Path, *, save: bool = True, at: int = JUMP + 1) -> None:
    session = Session(Video(video_of(root)))
    session.load_boxes(raw_of(root), source=Source.DETECTED)
    session.set_box(at, Box(50, 60, 80, 80))
    if save:
        session.save()
    session.close()


def pose(root: Path, boxes: np.ndarray, at_edge: tuple[int, int] | None = None) -> Path:
    """Keypoints of the pose model on these boxes, with their record; in some frames at their edge."""
    index = VideoIndex.scan(video_of(root))
    path = root / "models" / "pose" / "video_preds" / f"{video_of(root).stem}.csv"
    found = poses()
    if at_edge is not None:
        found.xy[:] = boxes[:, None, :2] + boxes[:, None, 2:] / 2
        rows = slice(at_edge[0], at_edge[1] + 1)
        found.xy[rows, 2] = boxes[rows, :2] + boxes[rows, 2:] * [0.002, 0.5]
    write_predictions(path, found)
    record = MadeWith({}, "cpu", video_identity(index), boxes, file_sha256(path))
    write_made_with(made_with_path(path), record)
    return path


def final_of(root: Path) -> np.ndarray:
    return read_bbox_csv(reviewed_csv(raw_of(root), video_of(root)))


def test_each_step_is_a_stage(root: Path) -> None:
    project = Project.open(root)
    assert [read_state(Results.of(project, each)).stage for each in project.videos] == ["detected", "new"]
    put_boxes(root)
    state = state_of(root)
    assert (state.stage, state.n_frames, state.detected) == ("boxes", N, ("detector",))
    assert state.suspects == state.suspects_left
    assert state.suspects is not None
    assert state.suspects > 0
    review(root, save=False)
    begun = state_of(root)
    assert (begun.stage, begun.n_edits, begun.n_seen) == ("in review", 1, 1)
    review(root, at=JUMP)
    saved = state_of(root)
    assert (saved.stage, saved.why) == ("reviewed", "")
    run_stage(crop_video(video_of(root), final_of(root), crop_of(root)))
    assert (state_of(root).stage, state_of(root).why) == ("cropped", "")
    pose(root, final_of(root))
    state = state_of(root)
    assert (state.stage, state.posed, state.why) == ("posed", ("pose",), "")
    assert VideoState.from_json(json.loads(json.dumps(state.as_json()))) == state


def crop_of(root: Path) -> Path:
    return root / "models" / "detector" / "cropped_videos" / f"cropped_{video_of(root).stem}.mp4"


def test_the_counts_are_those_of_the_review(root: Path) -> None:
    put_boxes(root)
    review(root)
    session = Session(Video(video_of(root)))
    session.set_predictions("detector", poses())
    session.load_boxes(raw_of(root), source=Source.DETECTED)
    left, done = session.suspects.entries()
    session.close()
    state = state_of(root)
    assert (state.suspects_left, state.suspects) == (len(left), len(left) + len(done))
    assert state.review == f"{len(done)} of {len(left) + len(done)}"


def test_a_table_counts_videos_with_boxes(root: Path) -> None:
    put_boxes(root)
    project = Project.open(root)
    table = told(project, [state_of(root)])
    assert "1 with boxes" in table
    assert "1 boxes" not in table


def test_suspects_of_the_pose_count_as_in_the_review_unless_other_boxes_hold_it(root: Path) -> None:
    put_boxes(root)
    review(root)
    before = state_of(root)
    final = final_of(root)
    found = pose(root, final, at_edge=(35, 40))
    session = Session(Video(video_of(root)))
    session.set_predictions("detector", poses())
    session.load_boxes(raw_of(root), source=Source.DETECTED)
    session.set_predictions("pose", read_video_predictions(found, N))
    left, done = session.suspects.entries()
    session.close()
    assert any(TOUCHES in each.reasons for each in left)
    state = state_of(root)
    assert (state.suspects_left, state.suspects) == (len(left), len(left) + len(done))
    assert (before.suspects_left, before.suspects) == (len(left) - 1, len(left) + len(done) - 1)
    pose(root, final + np.array([1, 0, 0, 0]), at_edge=(35, 40))  # these do not hold it either
    other = state_of(root)
    assert (other.suspects_left, other.suspects) == (state.suspects_left, state.suspects)
    x, y, w, h = final.T
    pose(root, np.column_stack([x + w / 4, y + h / 4, w / 2, h / 2]), at_edge=(35, 40))  # these hold it
    other = state_of(root)
    assert (other.suspects_left, other.suspects) == (before.suspects_left, before.suspects)


def test_what_was_made_of_older_boxes_is_out_of_date_and_says_why(root: Path) -> None:
    put_boxes(root)
    review(root)
    run_stage(crop_video(video_of(root), final_of(root), crop_of(root)))
    pose(root, final_of(root))
    review(root, save=False, at=5)
    assert state_of(root).outdated == ("edits were made since the review was saved",)
    before = final_of(root)
    review(root, at=6)
    n = int((before != final_of(root)).any(axis=1).sum())
    assert n > 0
    assert state_of(root).outdated == (
        f"pose: {n} of {N} boxes have changed since the pose was found",
        f"{n} of {N} boxes have changed since the video was cropped",
    )


def test_frames_without_an_animal_are_seen_by_no_pose_model_and_that_is_no_change(root: Path) -> None:
    put_boxes(root)
    with Video(video_of(root)) as video:
        session = Session(video)
        session.load_boxes(raw_of(root), source=Source.DETECTED)
        session.apply(mark_absent(session.track, 5, 9))
        session.save()
        session.close()
    assert not np.isnan(final_of(root)).any()
    pose(root, without_absent(final_of(root), reviewed_csv(raw_of(root), video_of(root)), video_of(root)))
    assert state_of(root).outdated == ()
    pose(root, final_of(root))
    assert state_of(root).outdated == (f"pose: 5 of {N} boxes have changed since the pose was found",)


def test_without_records_times_tell(root: Path) -> None:
    """As after `litpose predict` and `litpose crop`."""
    put_boxes(root)
    review(root)
    path = pose(root, final_of(root))
    made_with_path(path).unlink()
    run_stage(crop_video(video_of(root), final_of(root), crop_of(root), side_file=False))
    assert state_of(root).outdated == ()
    for checkpoint in root.rglob("*.ckpt"):
        os.utime(checkpoint, ns=(0, 0))
    for made in (path, crop_of(root)):
        os.utime(made, ns=(0, reviewed_csv(raw_of(root), video_of(root)).stat().st_mtime_ns - 10**9))
    assert state_of(root).outdated == (
        "pose: the boxes are newer than the keypoints",
        "the boxes are newer than the cropped video",
    )


def test_raw_boxes_and_models_that_were_made_again(root: Path) -> None:
    put_boxes(root)
    review(root)
    write_bbox_csv(raw_of(root), boxes_from_keypoints(poses(), SizingSettings(crop_ratio=3)))
    sign(raw_of(root), video_of(root))
    checkpoint = next((root / "models" / "detector").rglob("*.ckpt"))
    preds = raw_of(root).with_name(f"{video_of(root).stem}.csv")
    os.utime(checkpoint, ns=(0, preds.stat().st_mtime_ns + 10**9))
    outdated = state_of(root).outdated
    assert "detector was trained again since it found the keypoints" in outdated
    assert "the raw boxes are not those that were reviewed" in outdated


def test_results_of_another_video_of_this_name_are_no_results(root: Path, recorded: Path) -> None:
    put_boxes(root)
    data = recorded.read_bytes()
    video_of(root).write_bytes(data + b"\0" * 100)
    state = state_of(root)
    assert state.stage == "detected"  # keypoints without a record are taken on trust
    assert "was made of another file" in state.why


def test_keypoints_on_the_crop_and_a_broken_journal_are_told(root: Path) -> None:
    put_boxes(root)
    review(root)
    preds = root / "models" / "pose" / "video_preds" / f"cropped_{video_of(root).stem}.csv"
    write_predictions(preds, poses())
    assert "are in pixels of the crop" in state_of(root).why
    shutil.copy(preds, preds.with_name(f"remapped_{preds.name}"))
    assert state_of(root).posed == ("pose",)
    journal = next(raw_of(root).parent.rglob("*_journal.jsonl"))
    journal.write_text("{}\n")
    state = state_of(root)
    assert "not a line of a review's journal" in state.why
    assert state.is_reviewed


def test_results_in_a_folder_of_their_own(root: Path) -> None:
    put_boxes(root)
    shutil.move(root / "models" / "detector" / "video_preds", root / "out" / "detector" / "video_preds")
    assert state_of(root).stage == "new"
    project = Project.open(root, root / "out")
    assert read_state(Results.of(project, video_of(root))).stage == "boxes"


def test_boxes_in_a_folder_of_results_count_wherever_the_model_is(root: Path) -> None:
    """As after `cropzoom batch videos --output_dir out`, with models of another folder."""
    put_boxes(root)
    shutil.move(root / "models" / "detector" / "video_preds", root / "out" / "detector" / "video_preds")
    project = Project.open(root / "videos", root / "out")
    assert not project.models
    assert read_state(Results.of(project, video_of(root))).stage == "boxes"


def test_what_the_person_chose_in_the_window_the_command_knows_too(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fresh_data: None
) -> None:
    """A folder for the results of a video, or of a project, and reviews that lie elsewhere."""
    put_boxes(root)
    review(root)
    elsewhere = tmp_path / "copies"
    elsewhere.mkdir()
    copy = Path(shutil.copy(video_of(root), elsewhere))

    def told(*words: str) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["project", str(elsewhere), "--json", *words]) == 0
        (found,) = json.loads(capsys.readouterr().out)["videos"]
        return dict(found)

    assert told()["stage"] == "new"
    remember_reviewed(copy, raw_of(root))
    assert told()["boxes"] == str(raw_of(root))
    assert told()["n_edits"] == 1
    own, of_all, given = (tmp_path / name for name in ("own", "all", "given"))
    for folder in (own, of_all, given):
        write_bbox_csv(folder / raw_of(root).name, boxes_from_keypoints(poses(), SizingSettings()))
    other = Path(shutil.copy(video_of(root), elsewhere / "other.mp4"))
    for folder in (own, of_all, given):
        (folder / raw_of(root).name).rename(folder / "other_bbox.csv")
    copy.unlink()
    remember_results(elsewhere, of_all)
    assert told()["boxes"] == str(of_all / "other_bbox.csv")
    remember_results(other, own)
    assert told()["boxes"] == str(own / "other_bbox.csv")
    assert told("--output_dir", str(given))["boxes"] == str(given / "other_bbox.csv")
    remember_results(other, None)
    remember_results(elsewhere, None)
    assert told()["stage"] == "new"


def test_smoothed_boxes_without_a_review(root: Path) -> None:
    put_boxes(root)
    assert not state_of(root).is_smoothed
    smooth = root / "models" / "detector" / "bboxes_smoothed"
    assert main(["smooth_bbox", str(raw_of(root).parent), "--output_dir", str(smooth)]) == 0
    assert state_of(root).is_smoothed


def test_a_state_is_kept_until_a_file_changes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_boxes(root)
    project = Project.open(root)

    def look() -> VideoState:
        known = KnownStates(project.data_dir)
        state = known.state(Results.of(project, video_of(root)))
        known.save()
        return state

    first = look()
    read = []
    monkeypatch.setattr(
        "napari_cropzoom.projects.known_states.read_state",
        lambda found: read.append(found.video) or replace(first, problems=("read again",)),
    )
    assert (look(), read) == (first, [])
    review(root)
    assert look().problems == ("read again",)
    assert read == [video_of(root)]


def test_the_table_of_the_command(root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    put_boxes(root)
    review(root)
    assert main(["project", str(root), "--csv", str(tmp_path / "t.csv")]) == 0
    out = capsys.readouterr().out
    assert f"{root.name}: Lightning Pose project, 2 videos" in out
    assert "1 new, 1 reviewed" in out
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["reviewed", "new"]
    assert rows[0]["edits"] == "1"
    assert rows[0]["video"] == str(video_of(root))


def test_a_project_that_cannot_be_written_to_is_read_and_left_as_it_is(root: Path) -> None:
    put_boxes(root)
    review(root)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    folders = [path for path in (root, *root.rglob("*")) if path.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert state_of(root).stage == "reviewed"
        assert main(["project", str(root)]) == 0
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
