"""``bench``: the tables of the documentation, measured on this machine."""

from __future__ import annotations

import argparse
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from napari_cropzoom.cli.arguments import Verbs, add_verb, any_path, positive_int
from napari_cropzoom.core.errors import CropzoomError


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    measure = add_verb(verbs, common, "bench", bench, "the benchmark tables, measured here")
    measure.add_argument(
        "--quick", action="store_true", help="one pair, fewer frames, the main sections: 3 minutes"
    )
    measure.add_argument("--pairs", type=positive_int, metavar="N", help="runs of each side (default: 3)")
    measure.add_argument("--only", nargs="+", metavar="SECTION", help="measure only these sections")
    measure.add_argument(
        "--output",
        type=any_path,
        default=Path("cropzoom_benchmarks.md"),
        metavar="FILE",
        help="page to write (default: cropzoom_benchmarks.md here)",
    )


def bench(args: argparse.Namespace) -> None:
    """Run the benchmarks of the source checkout and print the page they write.

    Raises
    ------
    CropzoomError
        If this is no checkout, Lightning Pose is missing, or a benchmark failed.
    """
    from napari_cropzoom.files.atomic import check_writable

    root = Path(__file__).resolve().parents[4]
    script = root / "benchmarks" / "run.py"
    if not script.is_file():
        raise CropzoomError(
            "The benchmarks and the sample they run on are not part of an installed package. Clone the "
            "repository, `pip install -e .[all]` there, and run `cropzoom bench` again."
        )
    if find_spec("lightning_pose") is None:
        raise CropzoomError(
            "Lightning Pose is not installed, and the benchmarks compare with it. Install the extra "
            "`pose`: pip install napari-cropzoom[pose]."
        )
    check_writable(args.output)
    words = ["--output", str(args.output.absolute())]
    words += ["--quick"] if args.quick else []
    words += ["--pairs", str(args.pairs)] if args.pairs is not None else []
    words += ["--only", *args.only] if args.only else []
    screen = [str(root / "scripts" / "with_screen.sh")] if sys.platform == "linux" else []
    done = subprocess.run([*screen, sys.executable, str(script), *words], check=False)
    if done.returncode:
        raise CropzoomError("The benchmarks did not end; what they said last stands above.")
    print(f"benchmarks saved to {args.output}", flush=True)
