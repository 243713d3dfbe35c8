"""Run the real ``litpose`` many times for one import of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_DRIVER = """
import json, sys
from lightning_pose.cli.main import main
failures = []
for argv in json.load(sys.stdin):
    sys.argv = ["litpose", *argv]
    try:
        main()
    except (Exception, SystemExit) as error:
        if not isinstance(error, SystemExit) or error.code:
            failures.append(f"{argv}: {error!r}")
print(json.dumps(failures), file=sys.stderr)
"""


def run_litpose(commands: Sequence[Sequence[str | Path]]) -> list[str]:
    """Run ``litpose`` with each list of arguments; what failed, in words."""
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER],
        input=json.dumps([[str(word) for word in command] for command in commands]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    failures: list[str] = json.loads(done.stderr.strip().splitlines()[-1])
    return failures


def write_model_config(folder: Path, keypoints: Sequence[str], data_dir: Path) -> Path:
    """The part of a model folder that box verbs look at: no checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    names = "".join(f"\n    - {name}" for name in keypoints)
    (folder / "config.yaml").write_text(
        f"data:\n  image_resize_dims:\n    height: 128\n    width: 128\n  data_dir: {data_dir}\n"
        f"  video_dir: {data_dir}\n  csv_file: CollectedData.csv\n  num_keypoints: {len(keypoints)}\n"
        f"  keypoint_names:{names}\nmodel:\n  model_type: heatmap\n  model_name: test\n"
        "  backbone: resnet18\n  losses_to_use: []\n"
    )
    return folder
