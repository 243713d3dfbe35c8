#!/usr/bin/env bash
# Run the tests of formats with the programs that the formats are of, in environments of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
make() { # NAME PACKAGE...
    python3 -m venv "$here/$1"
    "$here/$1/bin/python" -m pip install --quiet "${@:2}"
}
make tools sleap-io movement pynwb ndx-pose pycocotools motmetrics \
    av filelock h5py opencv-python-headless pandas platformdirs psutil pyyaml scipy tifffile tqdm
make idtracker idtrackerai
make ultralytics ultralytics onnx onnxslim onnxruntime
make datumaro datumaro supervision trackeval
CROPZOOM_TOOLS_PYTHON="$here/tools/bin/python" CROPZOOM_IDTRACKER_PYTHON="$here/idtracker/bin/python" \
    CROPZOOM_ULTRALYTICS_PYTHON="$here/ultralytics/bin/python" YOLO_CONFIG_DIR="$here" \
    CROPZOOM_DATUMARO_PYTHON="$here/datumaro/bin/python" \
    .venv/bin/python -m pytest -q tests/files/formats "$@"
