"""``info``, ``detect``: videos, no torch."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from napari_cropzoom.cli.arguments import Verbs, add_verb
from napari_cropzoom.cli.inputs import expand
from napari_cropzoom.cli.progress import run_with_bar
from napari_cropzoom.core.errors import CropzoomError


def add_verbs(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verbs of this module."""
    look = add_verb(verbs, common, "info", info, "frames by every count, rate, keyframes, verdict")
    look.add_argument("video", type=Path, nargs="+", help="videos, or directories of them")
    look.add_argument("--json", action="store_true", help="one JSON object a line")

    find = add_verb(verbs, common, "detect", detect, "find boxes without a model")
    find.add_argument("video", type=Path, nargs="+", help="videos, or directories of them")
    find.add_argument("--method", default="motion", help="detector (default: motion)")
    find.add_argument("--output_dir", type=Path, required=True, help="where <stem>_bbox.csv goes")


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
