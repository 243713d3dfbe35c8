"""``evaluate``: does cropzoom pay, on the labels of a project."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from napari_cropzoom.cli.arguments import Verbs, add_sizing, add_trust, add_verb, any_path, sizing_of
from napari_cropzoom.cli.inputs import print_note
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.words import counted

if TYPE_CHECKING:
    from napari_cropzoom.core.scores import Comparison


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    compare = add_verb(
        verbs,
        common,
        "evaluate",
        evaluate,
        "pixel errors on held-out labels: full frame against cropzoom",
    )
    compare.add_argument("project", type=any_path, help="folder of the project, or its labels file")
    compare.add_argument("--detector", type=any_path, required=True, metavar="MODEL", help="model folder")
    compare.add_argument("--pose", type=any_path, required=True, metavar="MODEL", help="model folder")
    compare.add_argument(
        "--full_frame",
        type=any_path,
        metavar="MODEL",
        help="what cropzoom is compared with (default: the detector)",
    )
    add_sizing(compare)
    compare.add_argument(
        "--csv", type=any_path, metavar="FILE", help="write the errors of every frame too"
    )
    compare.add_argument("--json", action="store_true", help="one JSON object")
    add_trust(compare)


def evaluate(args: argparse.Namespace) -> None:
    """Print the errors of both ways side by side."""
    from napari_cropzoom.cli.outputs import check_output
    from napari_cropzoom.engine.model_folder import ModelFolder
    from napari_cropzoom.engine.training.evaluation import evaluate as run_evaluation
    from napari_cropzoom.engine.training.evaluation import write_errors

    if args.csv is not None:
        check_output(args.csv, "image,set,", "a table of errors")
    stage = run_evaluation(
        args.project,
        ModelFolder.open(args.detector),
        ModelFolder.open(args.pose),
        None if args.full_frame is None else ModelFolder.open(args.full_frame),
        sizing=sizing_of(args),
        trust=args.trust_checkpoint,
        notify=print_note,
    )
    found = run_with_bar(stage, "evaluating")
    table = found.table()
    if args.csv is not None:
        write_errors(args.csv, found)
    if args.json:
        print(json.dumps(_as_json(found, table)))
        return
    if not found.is_split_known:
        print_note(
            "the models do not say which labels they were trained on, so all count: trained frames "
            "look better than new ones"
        )
    print(_told(found, table))
    if args.csv is not None:
        print(f"errors of every frame saved to {args.csv}")


def _as_json(found: Comparison, table: list[dict[str, float | int | str]]) -> dict[str, object]:
    rounded = [
        {key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()}
        for row in table
    ]
    return {
        "frames": len(found.images),
        "held_out": int(found.held_out.sum()) if found.is_split_known else None,
        "sets": dict(sorted(found.counts.items())),
        "full_frame_scale": round(found.full_frame_scale, 3),
        "cropzoom_scale": round(found.cropzoom_scale, 3),
        "errors": rounded,
    }


def _told(found: Comparison, table: list[dict[str, float | int | str]]) -> str:
    """The table, with a line on what it is of and one on what it says."""
    rows = int(found.held_out.sum())
    held = f", {rows} held out in training" if found.is_split_known else ""
    width = max(len("body part"), *(len(str(row["body_part"])) for row in table))
    lines = [
        f"pixel errors on {counted(len(found.images), 'labeled frame')}{held}",
        f"{'':{width}}  {'':>6}  {'full frame':^17}  {'cropzoom':^17}  cropzoom",
        f"{'body part':{width}}  labels  {'median':>8} {'mean':>8}  {'median':>8} {'mean':>8}    closer",
    ]
    for row in table:
        lines.append(
            f"{row['body_part']:{width}}  {row['labels']:6}  "
            f"{row['full_frame_median']:8.2f} {row['full_frame_mean']:8.2f}  "
            f"{row['cropzoom_median']:8.2f} {row['cropzoom_mean']:8.2f}  {row['cropzoom_closer']:8.0%}"
        )
    from napari_cropzoom.core.scores import sees_hardly_finer

    scales = found.full_frame_scale, found.cropzoom_scale
    lines.append(
        f"one pixel of the network's input is {scales[0]:.1f} px of the frame for the full-frame model, "
        f"{scales[1]:.1f} px for the pose model"
    )
    if sees_hardly_finer(scales[1], scales[0]):
        lines.append(
            "the pose model sees hardly finer than the full-frame model: train it with a larger "
            "image_resize_dims, or make smaller boxes (--crop_ratio, --anchor_keypoints)"
        )
    return "\n".join(lines)
