#!/usr/bin/env bash
# Run the tests of formats with the programs that the formats are of, in an environment of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools"
"$tools/bin/python" -m pip install --quiet sleap-io movement pynwb ndx-pose pycocotools motmetrics \
    av filelock h5py opencv-python-headless pandas platformdirs psutil pyyaml scipy tifffile tqdm
CROPZOOM_TOOLS_PYTHON="$tools/bin/python" .venv/bin/python -m pytest -q tests/files/formats "$@"
