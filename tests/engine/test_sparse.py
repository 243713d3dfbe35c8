"""Every n-th frame first: what runs gives what a full run gives, and what does not run is known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame

from lpmodels import make_lp_model
from napari_cropzoom.cli import main
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.core.sampling.changed import SIDE, rows_of
from napari_cropzoom.core.sampling.sparse import frames_first, frames_next, interpolated
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.predict import predict_video
from napari_cropzoom.engine.sparse import predict_sparsely
from napari_cropzoom.files.predictions_csv import read_predictions
from napari_cropzoom.files.provenance import (
    MadeWith,
    interpolated_rows,
    made_with_path,
    read_made_with,
    read_video_predictions,
    write_made_with,
)
from napari_cropzoom.video.video import Video
from napari_cropzoom.worker.stages import EngineCache, builtin_stages
from videos import RESTING_FRAMES as FRAMES
from videos import RESTING_HEIGHT as HEIGHT
from videos import RESTING_JUMP as JUMP
from videos import RESTING_WIDTH as WIDTH
from videos import make_resting_video

KINDS = ("heatmap", "heatmap_mhcrnn")


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Engine]:
    folder = tmp_path_factory.mktemp("both")
    return {
        kind: Engine.load(ModelFolder.open(make_lp_model(folder / kind, model_type=kind)))
        for kind in KINDS
    }


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_resting_video(tmp_path_factory.mktemp("video") / "resting.mp4")


class Watched(Video):
    """A video that remembers which frames it was asked for."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.picked: list[list[int]] = []

    def pick(self, numbers: Iterable[int]) -> Iterator[VideoFrame]:
        self.picked.append(list(numbers))
        return super().pick(self.picked[-1])


def predict(engine: Engine, video: Path, output: Path, **how: object) -> Path:
    return run_stage(
        predict_video(engine.folder, video, output=output, engine=engine, metrics=False, **how)
    )


def by_hand(dense: Poses, every: int, batch_size: int, context: bool) -> np.ndarray:
    """(T,) bool: which frames should run, worked out from a full run's results."""
    first = rows_of(frames_first(FRAMES, every, batch_size), context)
    run = first.copy()
    while (more := frames_next(interpolated(dense, run), run, first, (WIDTH, HEIGHT))).any():
        run |= rows_of(more, context)
    return run


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("every", [4, 10])
def test_what_runs_is_what_a_full_run_gives_to_the_last_digit(
    engines: dict[str, Engine], resting: Path, kind: str, every: int
) -> None:
    engine = engines[kind]
    with Watched(resting) as video:
        dense = run_stage(engine.predict(video, batch_size=8))
        video.picked.clear()
        seen = []
        found = run_stage(predict_sparsely(engine, video, every, batch_size=8), seen.append)
    run = ~found.interpolated
    np.testing.assert_array_equal(found.xy[run], dense.xy[run])
    np.testing.assert_array_equal(found.likelihood[run], dense.likelihood[run])
    np.testing.assert_array_equal(run, by_hand(dense, every, 8, engine.network.context))
    if not engine.network.context:  # the other one is not sharpened and finds one place for all
        assert run[: JUMP + every].all()  # still to the pixel until it jumps: the review finds that odd
        assert not run[JUMP:].all()
    assert np.isfinite(found.xy).all()
    assert all(a.done <= b.done for a, b in pairwise(seen))
    assert {each.total for each in seen} == {FRAMES}  # one count, of the video's frames
    assert [each.done for each in seen].count(FRAMES) == 1  # whole once, and only at the end
    assert seen[-1].done == FRAMES
    side = 2 * SIDE if engine.network.context else 0
    near = [frame for each in video.picked for frame in each]
    assert all(run[max(frame - side, 0) : frame + side + 1].any() for frame in near)
    if not engine.network.context:
        assert sorted(near) == np.flatnonzero(run).tolist()


def test_every_frame_is_a_full_run(engines: dict[str, Engine], resting: Path) -> None:
    engine = engines["heatmap"]
    with Video(resting) as video:
        dense = run_stage(engine.predict(video, batch_size=8))
        found = run_stage(predict_sparsely(engine, video, 1, batch_size=8))
    assert found.interpolated is None
    np.testing.assert_array_equal(found.xy, dense.xy)


def test_files_say_what_was_run_and_only_changed_runs_the_rest(
    tmp_path: Path, engines: dict[str, Engine], resting: Path
) -> None:
    engine, said = engines["heatmap"], list[str]()
    full = predict(engine, resting, tmp_path / "full.csv")
    assert interpolated_rows(full, FRAMES) is None
    part = predict(engine, resting, tmp_path / "part.csv", every=10, notify=said.append)
    guessed = interpolated_rows(part, FRAMES)
    count = int((~guessed).sum())
    assert said == [f"ran {count} of {FRAMES} frames; the others are interpolated"]
    dense, sparse = read_predictions(full, FRAMES), read_video_predictions(part, FRAMES)
    np.testing.assert_array_equal(sparse.interpolated, guessed)
    np.testing.assert_array_equal(sparse.xy[~guessed], dense.xy[~guessed])
    assert part.read_text().splitlines()[:3] == full.read_text().splitlines()[:3]

    predict(engine, resting, part, only_changed=True, notify=said.append)
    run = FRAMES - count
    assert said[1] == f"{run} of {FRAMES} frames have changed or were interpolated; only these are run"
    assert part.read_bytes() == full.read_bytes()
    assert interpolated_rows(part, FRAMES) is None
    predict(engine, resting, part, only_changed=True, notify=said.append)
    assert said[2] == "up to date: no box has changed"


def test_whole_frames_given_as_boxes_do_not_pass_for_what_was_interpolated(
    tmp_path: Path, engines: dict[str, Engine], resting: Path
) -> None:
    engine, said = engines["heatmap"], list[str]()
    part = predict(engine, resting, tmp_path / "part.csv", every=10)
    count = int(interpolated_rows(part, FRAMES).sum())
    with Video(resting) as video:
        boxes = np.tile([0.0, 0, video.width, video.height], (FRAMES, 1))
    predict(engine, resting, part, boxes=boxes, only_changed=True, notify=said.append)
    assert said[0].startswith(f"{count} of {FRAMES} frames have changed or were interpolated")
    full = predict(engine, resting, tmp_path / "full.csv", boxes=boxes)
    assert part.read_bytes() == full.read_bytes()


def test_stopped_half_way_leaves_nothing(
    tmp_path: Path, engines: dict[str, Engine], resting: Path
) -> None:
    engine = engines["heatmap"]
    stage = predict_video(engine.folder, resting, output=tmp_path / "p.csv", engine=engine, every=5)
    for progress in stage:
        if progress.done > FRAMES / 5:
            break
    stage.close()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_done_is_refused(
    tmp_path: Path, engines: dict[str, Engine], resting: Path
) -> None:
    engine, boxes = engines["heatmap"], np.tile([0.0, 0, 40, 40], (FRAMES, 1))
    for how, words in (
        ({"every": 5, "boxes": boxes}, "not for boxes"),
        ({"every": 5, "only_changed": True}, "not for --only_changed"),
        ({"every": 0}, "must be 1"),
    ):
        with pytest.raises(CropzoomError, match=words):
            predict(engine, resting, tmp_path / "p.csv", **how)
    assert list(tmp_path.iterdir()) == []


def a_record(guessed: np.ndarray | None, predictions: str = "") -> MadeWith:
    return MadeWith({"checkpoint": "x"}, "cpu", {"frames": 4}, None, predictions, guessed)


def rewritten(path: Path, drop: str = "", **changed: object) -> None:
    with np.load(path) as arrays:
        content = {name: arrays[name] for name in arrays.files if name != drop} | changed
    np.savez_compressed(path, **content)


def test_record_keeps_what_was_interpolated_and_reads_older_ones(tmp_path: Path) -> None:
    path, guessed = tmp_path / "v_made_with.npz", np.array([False, True, True, False])
    write_made_with(path, a_record(guessed))
    assert read_made_with(path).interpolated.tolist() == guessed.tolist()
    with np.load(path) as arrays:
        before = hashlib.sha256(str(arrays["about"][()]).encode() + arrays["boxes"].tobytes()).hexdigest()
        assert str(arrays["sha256"][()]) != before  # so older versions take it for none
    rewritten(path, interpolated=~guessed)
    assert read_made_with(path) is None
    write_made_with(path, a_record(guessed))
    rewritten(path, drop="interpolated")
    assert read_made_with(path) is None

    write_made_with(path, a_record(None))
    rewritten(path, drop="interpolated")  # as it was written before
    assert read_made_with(path).model == {"checkpoint": "x"}
    assert read_made_with(path).interpolated is None
    with np.load(path) as arrays:
        before = hashlib.sha256(str(arrays["about"][()]).encode() + arrays["boxes"].tobytes()).hexdigest()
        assert str(arrays["sha256"][()]) == before


def test_marks_are_of_these_very_predictions(
    tmp_path: Path, engines: dict[str, Engine], resting: Path
) -> None:
    part = predict(engines["heatmap"], resting, tmp_path / "part.csv", every=10)
    assert read_video_predictions(part, FRAMES).interpolated.any()
    part.write_text(part.read_text().replace("0.", "0.1", 1))
    assert read_video_predictions(part, FRAMES).interpolated is None
    made_with_path(part).unlink()
    assert isinstance(read_video_predictions(part, FRAMES), Poses)


def test_the_workers_stage_says_how_many_ran(
    tmp_path: Path, engines: dict[str, Engine], resting: Path
) -> None:
    model, output = engines["heatmap"].folder.path, tmp_path / "out.csv"
    args = {"model": model, "video": resting, "output": output, "metrics": False, "every": 10}
    result = run_stage(builtin_stages(EngineCache())["predict"](args))
    count = FRAMES - int(interpolated_rows(output, FRAMES).sum())
    assert result["note"] == f"ran {count} of {FRAMES} frames; the others are interpolated"


def test_the_commands(tmp_path: Path, resting: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = make_lp_model(tmp_path / "model")
    predictions = model / "video_preds" / "resting.csv"
    told = tmp_path / "progress.json"
    words = ["predict", str(model), str(resting), "--every", "10", "--skip_viz"]
    assert main([*words, "--progress_file", str(told)]) == 0
    progress = json.loads(told.read_text())
    assert (progress["completed"], progress["total"]) == (FRAMES, FRAMES)
    guessed = interpolated_rows(predictions, FRAMES)
    line = f"resting.mp4: ran {int((~guessed).sum())} of {FRAMES} frames; the others are interpolated"
    assert line in capsys.readouterr().out.splitlines()

    whole = [
        "run",
        str(resting),
        "--detector",
        str(model),
        "--pose",
        str(make_lp_model(tmp_path / "pose")),
    ]
    predictions.unlink()
    assert main([*whole, "--every", "10", "--skip_viz"]) == 0
    assert line in capsys.readouterr().out.splitlines()
    pose = tmp_path / "pose" / "video_preds" / "resting.csv"
    assert interpolated_rows(pose, FRAMES) is None
    assert len(read_predictions(pose)) == FRAMES
    assert main([*whole, "--every", "10"]) == 0
    assert "(prediction file already exists)" in capsys.readouterr().out
    assert main(whole) == 0
    interpolated = f"of {FRAMES} frames are interpolated: --overwrite runs all)"
    assert interpolated in capsys.readouterr().out
    pose.unlink()
    assert main([*whole, "--skip_viz"]) == 0
    kept = capsys.readouterr().err
    assert f"note: {predictions}: is kept (" in kept
    assert interpolated in kept

    words = ["predict", str(model), str(resting), "--every", "3"]
    for refused in (
        [*words, "--bbox_dir", str(tmp_path)],
        [*words, "--only_changed"],
        [*whole, "--every", "3", "--bbox_dir", str(tmp_path)],
    ):
        assert main(refused) == 1
        error = capsys.readouterr().err
        assert len(error.splitlines()) == 1
        assert "--every" in error
    with pytest.raises(SystemExit):
        main([*words[:-1], "0"])
