"""``demo``: all steps on the sample project, then napari on the result."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_cropzoom.cli.arguments import Verbs, add_verb


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    add_verb(verbs, common, "demo", demo, "the sample project, all steps, then napari on the result")


def demo(_args: argparse.Namespace) -> None:
    """Run the sample project."""
    from napari_cropzoom.demo import run_demo

    run_demo(Path("demo_output"))
