"""``demo``: all steps on the sample project, then napari on the result."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_cropzoom.cli.arguments import Verbs, add_verb


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    run = add_verb(
        verbs, common, "demo", demo, "the sample project, all steps, then napari on the result"
    )
    run.add_argument(
        "--present",
        action="store_true",
        help="show every step in the window by itself; space pauses, right arrow goes on, Esc leaves",
    )


def demo(args: argparse.Namespace) -> None:
    """Run the sample project."""
    from napari_cropzoom.demo import present, run_demo

    if args.present:
        present(Path("demo_output", "presented"))
    else:
        run_demo(Path("demo_output"))
