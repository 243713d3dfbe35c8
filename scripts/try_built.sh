#!/usr/bin/env bash
# Try what was built in clean environments: the wheel with the newest dependencies, the sdist with the oldest that
# pyproject.toml allows.
#   scripts/try_built.sh FOLDER    with one *.whl and one *.tar.gz
set -euo pipefail
built=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

# shellcheck source=scripts/tools.sh
. scripts/tools.sh

python=""
for wanted in $PYTHONS; do
    python=$(find_python "$wanted") && break
done
uv=$(find_uv .venv)
case $uv in .*) uv=$PWD/$uv ;; esac
hand_over_indexes "$python"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
screen=$PWD/scripts/with_screen.sh

try() {
    local file=$1 resolution=$2
    "$uv" venv --quiet --python "$python" "$work/$resolution"
    "$uv" pip install --quiet --python "$work/$resolution/bin/python" --resolution "$resolution" "$file" 'napari[pyqt6]'
    cd "$work"
    export NAPARI_CONFIG=$work/settings.yaml CROPZOOM_DATA_DIR=$work/data
    "$work/$resolution/bin/cropzoom" --help >/dev/null
    "$work/$resolution/bin/npe2" validate napari-cropzoom
    "$screen" "$work/$resolution/bin/python" - <<'PYTHON'
import napari
from qtpy.QtWidgets import QApplication

from napari_cropzoom.app import add_docks

viewer = napari.Viewer()
dock = add_docks(viewer)
QApplication.processEvents()
print("napari", napari.__version__, "opens", len(dock.steps), "steps")
viewer.close()
PYTHON
    cd - >/dev/null
}

try "$(echo "$built"/*.whl)" highest
try "$(echo "$built"/*.tar.gz)" lowest-direct
