"""``info``: what is in a video, and whether it can be used."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from napari_cropzoom.cli.arguments import Verbs, add_verb, any_path
from napari_cropzoom.cli.inputs import expand
from napari_cropzoom.core.errors import CropzoomError


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    look = add_verb(verbs, common, "info", info, "frames by every count, rate, keyframes, verdict")
    look.add_argument("video", type=any_path, nargs="+", help="videos, or directories of them")
    look.add_argument(
        "--thorough", action="store_true", help="decode every frame, to find all that are damaged"
    )
    look.add_argument("--json", action="store_true", help="one JSON object a line")


def info(args: argparse.Namespace) -> None:
    """What is in each video."""
    from napari_cropzoom.video.checks import preflight

    unusable = []
    for path in args.video:
        try:
            videos = expand([path], csv=False, written=False)
        except CropzoomError as error:
            if len(args.video) == 1:
                raise
            print(f"error: {error}", file=sys.stderr, flush=True)
            unusable.append(str(path))
            continue
        for video in videos:
            facts = preflight(video, thorough=args.thorough).to_json()
            unusable += [] if facts["ok"] else [str(video)]
            if args.json:
                print(json.dumps(facts, allow_nan=False), flush=True)
            else:
                print(_table(facts), flush=True)
    if unusable:
        raise CropzoomError(f"{', '.join(unusable)}: cannot be used, see above.")


def _table(facts: dict[str, Any]) -> str:
    """One fact a line, what is wrong at the end."""
    lines = [str(facts["path"])]
    for name, value in facts.items():
        if name in ("path", "warnings", "ok", "undecodable", "missing"):
            continue
        if isinstance(value, bool):
            value = "yes" if value else "no"
        lines.append(f"  {name.replace('_', ' '):<24}{'unknown' if value is None else value}")
    lines += [f"  warning: {warning}" for warning in facts["warnings"]]
    kinds = {"missing": "are missing", "undecodable": "cannot be decoded"}
    lost = " or ".join(words for kind, words in kinds.items() if facts.get(kind))
    verdict = "ok" if facts["ok"] else "not ok"
    lines.append(f"  {verdict}{f', but for frames that {lost}' if lost else ''}")
    return "\n".join(lines)
