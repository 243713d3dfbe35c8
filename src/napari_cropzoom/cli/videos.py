"""``info``, ``detect``, ``crop``: videos, no torch unless labelled frames are cropped."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_cropzoom.cli.arguments import Verbs, add_edge, add_model_and_inputs, add_verb, whole_number
from napari_cropzoom.cli.inputs import expand, is_video
from napari_cropzoom.cli.models import boxes_of, check_boxes, read_boxes
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.errors import CropzoomError

if TYPE_CHECKING:
    from napari_cropzoom.pipeline.models import ModelFolder

PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow",
)  # fmt: skip


def add_verbs(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verbs of this module."""
    look = add_verb(verbs, common, "info", info, "frames by every count, rate, keyframes, verdict")
    look.add_argument("video", type=Path, nargs="+", help="videos, or directories of them")
    look.add_argument("--json", action="store_true", help="one JSON object a line")

    find = add_verb(verbs, common, "detect", detect, "find boxes without a model")
    find.add_argument("video", type=Path, nargs="+", help="videos, or directories of them")
    find.add_argument("--method", default="motion", help="detector (default: motion)")
    find.add_argument("--output_dir", type=Path, required=True, help="where <stem>_bbox.csv goes")

    cut = add_verb(verbs, common, "crop", crop, "cut the boxes out of videos or labelled frames")
    add_model_and_inputs(cut)
    cut.add_argument("--bbox_dir", type=Path, help="directory of boxes (default: those of create_bbox)")
    cut.add_argument(
        "--preset", choices=PRESETS, default="medium", help="speed of x264 (default: medium)"
    )
    cut.add_argument("--crf", type=whole_number, default=23, help="0 lossless to 51 (default: 23)")
    add_edge(cut)


def info(args: argparse.Namespace) -> None:
    """What is in each video."""
    from napari_cropzoom.io.preflight import preflight

    unusable = []
    for video in expand(args.video, csv=False):
        facts = preflight(video).to_json()
        unusable += [] if facts["ok"] else [str(video)]
        if args.json:
            print(json.dumps(facts, allow_nan=False), flush=True)
        else:
            print(_table(facts), flush=True)
    if unusable:
        raise CropzoomError(f"{', '.join(unusable)}: cannot be used, see its warnings.")


def detect(args: argparse.Namespace) -> None:
    """Boxes of each video by a detector without a model."""
    from napari_cropzoom.io.bbox_csv import write_bbox_csv
    from napari_cropzoom.pipeline.detect import get_detector, settings_of

    detector = get_detector(args.method)
    for video in expand(args.video, csv=False):
        boxes = run_with_bar(detector.detect(video, settings_of(detector, {})), f"detecting {video.name}")
        output = args.output_dir / f"{video.stem}_bbox.csv"
        write_bbox_csv(output, boxes)
        missing = int((boxes[:, 0] != boxes[:, 0]).sum())
        note = f" ({missing} of {len(boxes)} frames without a box)" if missing else ""
        print(f"boxes of {video.name} saved to {output}{note}", flush=True)


def crop(args: argparse.Namespace) -> None:
    """Crops of videos and labelled frames, where ``litpose crop`` puts them."""
    from napari_cropzoom.pipeline.models import ModelFolder

    model = ModelFolder.open(args.model_dir, need_checkpoint=False)
    files = expand(args.input_path)
    for file in files:
        check_boxes(bbox_file(model, file, args.bbox_dir))
    for folder in (model.cropped_data_dir, model.cropped_videos_dir):
        # training a pose model on the crops wants both, even if one stays empty
        folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        print(f"cropping {file.name}", flush=True)
        if is_video(file):
            crop_one(
                args,
                file,
                bbox_file(model, file, args.bbox_dir),
                model.cropped_video(file),
            )
        else:
            from napari_cropzoom.pipeline.labeled_frames import crop_csv

            run_with_bar(crop_csv(model, file, args.bbox_dir), f"cropping {file.name}")


def crop_one(args: argparse.Namespace, video: Path, bbox: Path, output: Path) -> None:
    """Crop one video with the boxes of a file."""
    from napari_cropzoom.pipeline.crop import crop_video

    stage = crop_video(
        video, read_boxes(bbox, video), output, preset=args.preset, crf=args.crf, edge=args.edge
    )
    print(f"saved to {run_with_bar(stage, f'cropping {video.name}')}", flush=True)


def bbox_file(model: ModelFolder, file: Path, bbox_dir: Path | None) -> Path:
    """Where the boxes of an input lie."""
    if bbox_dir is not None:
        return boxes_of(file, bbox_dir)
    return model.bbox_csv(file) if is_video(file) else model.image_preds_dir / file.name / "bbox.csv"


def _table(facts: dict[str, Any]) -> str:
    """One fact a line, what is wrong at the end."""
    lines = [str(facts["path"])]
    for name, value in facts.items():
        if name in ("path", "warnings", "ok"):
            continue
        if isinstance(value, bool):
            value = "yes" if value else "no"
        lines.append(f"  {name.replace('_', ' '):<24}{'unknown' if value is None else value}")
    lines += [f"  warning: {warning}" for warning in facts["warnings"]]
    lines.append(f"  {'ok' if facts['ok'] else 'not ok'}")
    return "\n".join(lines)
