"""Running only the frames whose box has changed gives what a full run gives."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lpmodels import make_lp_model
from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.core.progress import run_stage
from napari_cropzoom.engine.engine import Engine
from napari_cropzoom.engine.incremental import compare_with_previous, read_previous
from napari_cropzoom.engine.model_folder import ModelFolder
from napari_cropzoom.engine.predict import predict_video
from napari_cropzoom.files.provenance import made_with_path, read_made_with
from napari_cropzoom.video.index import VideoIndex
from videos import BLOB_FRAMES as T
from videos import BLOB_HEIGHT as HEIGHT
from videos import BLOB_WIDTH as WIDTH
from videos import make_blob_video

DATA = Path(__file__).resolve().parents[1] / "data"

NEAR = 1e-4  # pixels
CONTEXT_MODEL = "heatmap_mhcrnn"


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Engine]:
    folder = tmp_path_factory.mktemp("both")
    return {
        kind: Engine.load(ModelFolder.open(make_lp_model(folder / kind, model_type=kind)))
        for kind in ("heatmap", CONTEXT_MODEL)
    }


def track() -> np.ndarray:
    """Boxes of many sizes, some over the frame's edge; frames 2, 20 and 21 have none."""
    rng = np.random.default_rng(1)
    w, h = rng.integers(20, 150, T), rng.integers(20, 150, T)
    boxes = np.stack([rng.integers(-10, WIDTH - w), rng.integers(0, HEIGHT - h), w, h], axis=1)
    boxes = boxes.astype(float)
    boxes[[2, 20, 21]] = np.nan
    return boxes


def moved(*frames: int | slice) -> np.ndarray:
    boxes = track()
    for each in frames:
        boxes[each, 0] += 7
    return boxes


def without(*frames: int) -> np.ndarray:
    boxes = track()
    boxes[list(frames)] = np.nan
    return boxes


def with_box(*frames: int) -> np.ndarray:
    boxes = track()
    boxes[list(frames)] = [30, 40, 90, 80]
    return boxes


def at_random(seed: int) -> np.ndarray:
    rng, boxes = np.random.default_rng(seed), track()
    boxes[rng.random(T) < 0.1] += [3, -2, 4, 0]
    boxes[rng.random(T) < 0.05] = np.nan
    boxes[rng.random(T) < 0.05] = [100, 50, 60, 70]
    return boxes


CASES = {
    "first": moved(0),
    "second": moved(1),
    "third appears": with_box(2),
    "last": moved(T - 1),
    "last but two": moved(T - 3),
    "a suspect": moved(slice(9, 13)),
    "two near suspects": moved(slice(30, 32), slice(34, 36)),
    "goes": without(10, T - 1),
    "ends go": without(0, 1, T - 3),
    "comes": with_box(20, 21),
    "comes where a neighbour is missing": with_box(20),
    "every box": moved(slice(None)),
    "nobody": np.full((T, 4), np.nan),
    **{f"random {seed}": at_random(seed) for seed in range(4)},
}


def predict(engine: Engine, video: Path, boxes: np.ndarray | None, output: Path, **how: object) -> Path:
    return run_stage(predict_video(engine.folder, video, boxes, output=output, engine=engine, **how))


def numbers(path: Path) -> np.ndarray:
    """What is written, (T, 3 K), each cell as Python reads it."""
    rows = [line.split(",")[1:] for line in path.read_text().splitlines()[3:]]
    return np.array([[float(cell or "nan") for cell in row] for row in rows])


def reaches(before: np.ndarray, after: np.ndarray, context: bool) -> np.ndarray:
    """(T,) bool: frames whose keypoints may differ."""
    changed = ~((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=1)
    side = 4 if context else 0  # two for the window, two more for the ends, which repeat a neighbour
    return np.array([changed[max(i - side, 0) : i + side + 1].any() for i in range(T)])


@pytest.fixture(scope="module")
def earlier(
    tmp_path_factory: pytest.TempPathFactory, engines: dict[str, Engine], video: Path
) -> dict[str, Path]:
    """Folders with predictions of :func:`track` and their record."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in engines}
    for kind, engine in engines.items():
        predict(engine, video, track(), folders[kind] / "part.csv", metrics=False)
    return folders


def test_predictions_of_the_version_before_are_run_again_and_said_so(
    engines: dict[str, Engine], video: Path
) -> None:
    """Winograd's tiles have gone, so the last digits of a frame that runs now differ from theirs."""
    stored = DATA / "predictions_0.1.csv"
    plan = compare_with_previous(stored, engines["heatmap"].made_with, VideoIndex.scan(video), None)
    assert plan.describe() == (
        f"all {T} frames are run: the predictions are of an older cropzoom, whose last digits differ"
    )
    assert read_previous(stored, plan) is None


@pytest.fixture
def part(tmp_path: Path, earlier: dict[str, Path]) -> Path:
    """A copy of the heatmap model's predictions of :func:`track`, with their record."""
    return copied(earlier["heatmap"], tmp_path)


def copied(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target, dirs_exist_ok=True)
    return target / "part.csv"


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", ["heatmap", CONTEXT_MODEL])
def test_equals_a_full_run(
    tmp_path: Path,
    engines: dict[str, Engine],
    earlier: dict[str, Path],
    video: Path,
    kind: str,
    name: str,
) -> None:
    engine, after, part = engines[kind], CASES[name], copied(earlier[kind], tmp_path)
    full = predict(engine, video, after, tmp_path / "full.csv", metrics=False)
    lines = part.read_text().splitlines()
    said: list[str] = []
    predict(engine, video, after, part, metrics=False, only_changed=True, notify=said.append)
    count = int(reaches(track(), after, False).sum())
    only = "this is" if count == 1 else "these are"
    assert said == [f"{count} of {T} frames changed; only {only} run"]
    ours, theirs = numbers(part), numbers(full)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=NEAR)
    kept = ~reaches(track(), after, engine.network.context)
    again = part.read_text().splitlines()
    assert again[:3] == lines[:3]
    assert [again[3 + i] for i in np.flatnonzero(kept)] == [lines[3 + i] for i in np.flatnonzero(kept)]
    after_that = predict(engine, video, after, tmp_path / "part.csv", metrics=False, only_changed=True)
    assert after_that.read_text().splitlines() == again


@pytest.mark.parametrize("kind", ["heatmap", CONTEXT_MODEL])
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 6])
def test_very_short_videos(tmp_path: Path, engines: dict[str, Engine], kind: str, frames: int) -> None:
    make_blob_video(tmp_path / "short.mp4", frames, 64, 64)
    engine, video = engines[kind], tmp_path / "short.mp4"
    before = np.tile([5.0, 5, 40, 40], (frames, 1))
    for frame in range(frames):
        after = before.copy()
        after[frame] = [10, 8, 44, 40] if frame % 2 else np.nan
        part = predict(engine, video, before, tmp_path / "part.csv", metrics=False)
        predict(engine, video, after, part, metrics=False, only_changed=True)
        full = predict(engine, video, after, tmp_path / "full.csv", metrics=False)
        np.testing.assert_allclose(numbers(part), numbers(full), rtol=0, atol=NEAR)


def test_boxes_count_as_the_network_sees_them(
    tmp_path: Path, engines: dict[str, Engine], video: Path
) -> None:
    """Cut to the frame, a box that moves outside only is the same; so are whole frames as boxes."""
    engine = engines["heatmap"]
    before = np.tile([-20.0, 10, 80, 80], (T, 1))
    after = before.copy()
    after[5] = [-30, 10, 90, 80]
    after[6] = [-20, 10, 85, 80]
    after[7, 1:] += 0.4
    after[8, 0] -= 0.4
    full = predict(engine, video, after, tmp_path / "full.csv", edge="clamp")
    part = predict(engine, video, before, tmp_path / "part.csv", edge="clamp")
    said: list[str] = []
    predict(engine, video, after, part, edge="clamp", only_changed=True, notify=said.append)
    np.testing.assert_allclose(numbers(part), numbers(full), rtol=0, atol=NEAR)
    metrics = [file.with_name(f"{file.stem}_temporal_norm.csv") for file in (part, full)]
    ours, theirs = (pd.read_csv(file, index_col=0) for file in metrics)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2 * NEAR)
    predict(engine, video, after, part, edge="pad", only_changed=True, notify=said.append)
    np.testing.assert_allclose(
        numbers(part),
        numbers(predict(engine, video, after, full, edge="pad", metrics=False)),
        rtol=0,
        atol=NEAR,
    )
    whole = np.tile([0.0, 0, WIDTH, HEIGHT], (T, 1))
    predict(engine, video, None, part, metrics=False)
    predict(engine, video, whole, part, metrics=False, only_changed=True, notify=said.append)
    assert said == [
        f"1 of {T} frames changed; only this is run",
        f"{T} of {T} frames changed; only these are run",
        "up to date: no box has changed",
    ]


def test_runs_only_what_has_changed_and_writes_nothing_when_nothing_has(
    tmp_path: Path, engines: dict[str, Engine], video: Path
) -> None:
    for kind, frames in (("heatmap", 3), (CONTEXT_MODEL, 3 + 2 * 2 + 2 * 2)):
        engine = engines[kind]
        part = predict(engine, video, track(), tmp_path / f"{kind}.csv", metrics=False)
        seen = []
        stage = predict_video(
            engine.folder, video, moved(slice(30, 33)), output=part, engine=engine, only_changed=True
        )
        run_stage(stage, seen.append)
        assert {p.total for p in seen if p.text == "frames"} == {frames, T}
        before = part.stat().st_mtime_ns, part.read_bytes()
        predict(engine, video, moved(slice(30, 33)), part, only_changed=True)
        assert (part.stat().st_mtime_ns, part.read_bytes()) == before


def test_boxes_of_another_animal_are_not_run_over_its_keypoints(
    part: Path, engines: dict[str, Engine], video: Path
) -> None:
    others = np.full((T, 4), np.nan)
    others[5:9] = [30, 40, 90, 80]
    before = part.read_bytes()
    with pytest.raises(CropzoomError, match="as with the boxes of another animal"):
        predict(engines["heatmap"], video, others, part, only_changed=True)
    assert part.read_bytes() == before
    others[5:9] = track()[5:9]  # the same animal, of which a person says that it is nowhere else
    predict(engines["heatmap"], video, others, part, metrics=False, only_changed=True)
    assert part.read_bytes() != before


def test_stopped_half_way_leaves_what_was_there(
    tmp_path: Path, part: Path, engines: dict[str, Engine], video: Path
) -> None:
    engine = engines["heatmap"]
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    stage = predict_video(
        engine.folder, video, moved(slice(0, 40)), output=part, engine=engine, only_changed=True
    )
    for progress in stage:
        if progress.done:
            break
    stage.close()
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def spoil_predictions(part: Path) -> None:
    part.write_text(part.read_text().replace("0.", "0.1", 1))


def spoil_record(part: Path) -> None:
    record = made_with_path(part)
    content = bytearray(record.read_bytes())
    content[len(content) // 2] ^= 1
    record.write_bytes(content)


def cut_record(part: Path) -> None:
    record = made_with_path(part)
    record.write_bytes(record.read_bytes()[:100])


def no_record(part: Path) -> None:
    made_with_path(part).unlink()


def foreign_record(part: Path) -> None:
    np.savez_compressed(made_with_path(part), something=np.arange(3))


SPOILED = {
    spoil_predictions: "changed or made by another program",
    spoil_record: "no record",
    cut_record: "no record",
    no_record: "no record",
    foreign_record: "no record",
}


@pytest.mark.parametrize("spoil", SPOILED)
def test_what_cannot_be_trusted_is_run_again(
    tmp_path: Path, part: Path, engines: dict[str, Engine], video: Path, spoil: object
) -> None:
    engine = engines["heatmap"]
    full = predict(engine, video, moved(5), tmp_path / "full.csv", metrics=False)
    spoil(part)
    said: list[str] = []
    predict(engine, video, moved(5), part, metrics=False, only_changed=True, notify=said.append)
    assert SPOILED[spoil] in said[0]
    assert said[0].startswith(f"all {T} frames are run: ")
    np.testing.assert_array_equal(numbers(part), numbers(full))


def test_another_model_setting_or_video_is_run_again(
    tmp_path: Path, part: Path, engines: dict[str, Engine], video: Path
) -> None:
    engine = engines["heatmap"]

    def said(engine: Engine, video: Path, boxes: np.ndarray = CASES["first"]) -> str:
        """What is told before anything runs; the stage is stopped there."""
        words: list[str] = []
        stage = predict_video(
            engine.folder,
            video,
            boxes,
            output=part,
            engine=engine,
            only_changed=True,
            overwrite=True,
            notify=words.append,
        )
        while not words:
            next(stage, None)
        stage.close()
        return words[0]

    def other(**made_with: str) -> Engine:
        return Engine(engine.folder, engine.network, engine.config, {**engine.made_with, **made_with})

    assert said(engine, video) == f"1 of {T} frames changed; only this is run"
    assert said(engine, video, track()) == "up to date: no box has changed"
    assert "trained or copied again" in said(other(checkpoint="x"), video)
    assert "precision" in said(other(precision="fp16"), video)
    assert "torch was of another version" in said(other(torch="0"), video)
    assert "trained or copied again" in said(engines[CONTEXT_MODEL], video)
    again = tmp_path / video.name
    make_blob_video(again, T, WIDTH, HEIGHT, 2)
    assert "the video is another one" in said(engine, again)
    shorter = tmp_path / "shorter.mp4"
    make_blob_video(shorter, T - 1, WIDTH, HEIGHT)
    assert "the video is another one" in said(engine, shorter, track()[:-1])


def test_a_copy_of_model_and_video_goes_on(
    tmp_path: Path, engines: dict[str, Engine], video: Path
) -> None:
    """What counts is the content: not the place, not the time."""
    folder = tmp_path / "copy"
    shutil.copytree(engines["heatmap"].folder.path, folder)
    part = predict(engines["heatmap"], video, track(), folder / "video_preds" / "part.csv", metrics=False)
    model = ModelFolder.open(folder)
    shutil.copyfile(video, tmp_path / "moved.mp4")
    engine, said = Engine.load(model), list[str]()
    predict(engine, tmp_path / "moved.mp4", track(), part, only_changed=True, notify=said.append)
    assert said == ["up to date: no box has changed"]
    with (folder / "config.yaml").open("a") as config:
        config.write("extra: 1\n")
    engine = Engine.load(ModelFolder.open(folder))
    predict(engine, video, track(), part, metrics=False, only_changed=True, notify=said.append)
    assert "config.yaml has changed" in said[1]


def test_record_says_what_was_seen(tmp_path: Path, engines: dict[str, Engine], video: Path) -> None:
    engine = engines["heatmap"]
    part = predict(engine, video, track() + 0.6, tmp_path / "part.csv", metrics=False)
    record = read_made_with(made_with_path(part))
    assert record is not None
    np.testing.assert_array_equal(record.boxes, np.trunc(track() + 0.6))
    assert (record.device, record.video["frames"]) == (engine.device, T)
    predict(engine, video, None, part, metrics=False)
    whole = read_made_with(made_with_path(part))
    assert whole is not None
    assert whole.boxes is None
    assert replace(whole, boxes=record.boxes).model == record.model
