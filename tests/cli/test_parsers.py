"""The same step has the same options in every verb that does it."""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from lpmodels import make_predictions_folder
from napari_cropzoom.cli import main
from napari_cropzoom.cli.parser import build_parser
from napari_cropzoom.core.poses import Poses
from napari_cropzoom.files.bbox_csv import read_bbox_csv, write_exact_bbox_csv
from napari_cropzoom.files.belonging import sign
from videos import pattern_video

N = 12
SIZING = {"crop_ratio", "crop_size", "anchor_keypoints", "min_likelihood"}
ENGINE = {"batch_size", "precision", "runtime", "onnx_precision", "overrides", "trust_checkpoint", "edge"}
STEPS = {
    "find keypoints": (("predict", "run", "batch"), ENGINE | {"every", "skip_viz"}),
    "put boxes": (("create_bbox", "run", "batch", "evaluate"), SIZING),
    "smooth": (("run", "batch"), {"smooth_method", "smooth_window"}),
    "crop": (("crop", "run", "batch"), {"encoder", "preset", "crf", "tune", "edge"}),
    "write results": (("predict", "create_bbox", "crop", "run", "batch"), {"output_dir", "overwrite"}),
    "take boxes": (("predict", "crop", "run"), {"bbox_dir"}),
    "take models": (("run", "batch", "review", "evaluate"), {"detector", "pose"}),
    "take boxes and keypoints": (("flags", "show"), {"preds"}),
}
"""Verbs that do a step, and its options."""

OTHERWISE = {
    "crop": "remap takes the cropped video of the predictions, run and batch write one",
    "method": "of smoothing, of detection",
    "output": "a file of each verb's own kind",
    "min_likelihood": "of keypoints that are drawn, of those that count",
    "crf": "of a crop, which a network sees, or of a video to show",
    "preset": "the same",
}
"""Options that mean the same in all verbs, but have other defaults or words there, and why."""


def options() -> dict[str, dict[str, argparse.Action]]:
    """Every verb's options by name."""
    parser = build_parser()
    (verbs,) = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    return {
        name: {each.dest: each for each in verb._actions if each.option_strings}
        for name, verb in verbs.choices.items()
    }


@pytest.mark.parametrize("step", STEPS)
def test_a_step_has_its_options_wherever_it_runs(step: str) -> None:
    verbs, wanted = STEPS[step]
    known = options()
    assert {verb: sorted(wanted - set(known[verb])) for verb in verbs} == {verb: [] for verb in verbs}


def test_an_option_takes_the_same_values_everywhere() -> None:
    kinds: dict[str, dict[tuple[object, ...], list[str]]] = defaultdict(lambda: defaultdict(list))
    for verb, known in options().items():
        for name, each in known.items():
            choices = None if each.choices is None else tuple(each.choices)
            kind = (tuple(each.option_strings[:1]), each.type, choices, each.nargs, str(each.default))
            kinds[name][kind].append(verb)
    differing = {name: list(found.values()) for name, found in kinds.items() if len(found) > 1}
    assert {name: differing.get(name) for name in differing.keys() ^ OTHERWISE.keys()} == {}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    video = pattern_video(tmp_path / "v.mp4", N)
    xy = np.tile([[30.0, 26], [50, 46]], (N, 1, 1))
    for name in ("det", "pose"):
        make_predictions_folder(tmp_path / name, video, Poses(("nose", "tail"), xy, np.ones((N, 2))))
    (tmp_path / "pose" / "video_preds" / "v.csv").unlink()
    return tmp_path


def test_run_puts_boxes_of_the_size_that_was_asked_for(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pose model here is none, so it stops after the boxes and the crop."""
    words = [
        "run",
        project / "v.mp4",
        "--detector",
        project / "det",
        "--pose",
        project / "pose",
        "--crop",
    ]
    asked = ["--crop_size", 24, "--smooth_method", "mean", "--preset", "ultrafast", "--crf", 30]
    assert main([str(word) for word in (*words, *asked)]) == 1
    assert (read_bbox_csv(project / "det" / "video_preds" / "v_bbox.csv")[:, 2:] == 24).all()
    assert "mean" in (project / "det" / "bboxes_smoothed" / "metadata.json").read_text()
    record = (project / "det" / "cropped_videos" / "cropped_v.json").read_text()
    assert "ultrafast" in record
    capsys.readouterr()
    given = ["--bbox_dir", project, "--crop_size", 24]
    assert main([str(word) for word in (*words, *given)]) == 1
    assert "Leave out the one or the others" in capsys.readouterr().err


def test_boxes_between_pixels_are_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boxes = np.tile([20.0, 16, 40, 40], (N, 1))
    boxes[:5, 0] += 0.4
    write_exact_bbox_csv(project / "boxes" / "v_bbox.csv", boxes)
    sign(project / "boxes" / "v_bbox.csv", project / "v.mp4")
    words = ["crop", project / "det", project / "v.mp4", "--bbox_dir", project / "boxes"]
    assert main([str(word) for word in words]) == 0
    assert "5 of 12 boxes lie between pixels; whole pixels are used" in capsys.readouterr().err
    assert not (project / "det" / "cropped_images").exists()  # no images were cropped
