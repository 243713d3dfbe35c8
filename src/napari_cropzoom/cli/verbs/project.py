"""``project``: every video and model of a project, and how far it is."""

from __future__ import annotations

import argparse
import json
import time

from napari_cropzoom.cli.arguments import Verbs, add_verb, any_path
from napari_cropzoom.cli.inputs import print_note

PATIENCE = 2.0  # seconds before a person is told that this takes a while


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    look = add_verb(
        verbs, common, "project", project, "videos and models of a project, and how far each is"
    )
    look.add_argument(
        "folder", type=any_path, help="a Lightning Pose project, or any folder of videos, and below it"
    )
    look.add_argument("--output_dir", type=any_path, metavar="DIR", help="where results were written to")
    look.add_argument("--csv", type=any_path, metavar="FILE", help="write the table of the videos")
    look.add_argument("--json", action="store_true", help="one JSON object")


def project(args: argparse.Namespace) -> None:
    """Print a line a model and a line a video."""
    from napari_cropzoom.cli.outputs import check_output
    from napari_cropzoom.projects.known_states import KnownStates, open_project
    from napari_cropzoom.projects.table import COLUMNS, told, write_csv

    if args.csv is not None:
        check_output(args.csv, ",".join(COLUMNS[:3]), "a table of videos")
    found = open_project(args.folder, args.output_dir)
    known, states, start = KnownStates(found.data_dir), [], time.monotonic()
    for number, video in enumerate(found.videos):
        if number and time.monotonic() - start > PATIENCE:
            print_note(f"looked at {number} of {len(found.videos)}")
            start = time.monotonic()
        states.append(known.look(found, video, found.results_of(video) if args.output_dir else None))
    known.save()
    for note in found.notes:
        print_note(note)
    if args.csv is not None:
        write_csv(args.csv, states)
    if args.json:
        models = [
            {
                "name": model.name,
                "path": str(model.path),
                "kind": model.kind,
                "keypoints": list(model.keypoint_names),
                "error": model.error,
                "training": model.training,
                "problems": list(model.problems),
            }
            for model in found.models
        ]
        videos = [{**state.as_json(), "stage": state.stage} for state in states]
        print(json.dumps({"name": found.name, "kind": found.kind, "models": models, "videos": videos}))
        return
    print(told(found, states))
    if args.csv is not None:
        print(f"table saved to {args.csv}")
