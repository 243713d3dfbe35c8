#!/usr/bin/env bash
# Run the tests of formats with the programs that the formats are of, in environments of their own: 10 GB,
# in a folder that is removed again, or in the folder CROPZOOM_FORMATS_ENVS, where they stay for the next time.
set -euo pipefail
cd "$(dirname "$0")/.."
here=${CROPZOOM_FORMATS_ENVS:-}
if [ -z "$here" ]; then
    here=$(mktemp -d)
    trap 'rm -rf "$here"' EXIT
fi
make() { # NAME PACKAGE...
    if [ -e "$here/$1/done" ]; then return; fi
    python3 -m venv "$here/$1"
    "$here/$1/bin/python" -m pip install --quiet "${@:2}"
    touch "$here/$1/done"
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
