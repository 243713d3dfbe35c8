#!/usr/bin/env bash
# Make .venv with the project, its tests and its docs. Safe to run again; quick when nothing changed.
# PYTHON chooses the Python: a version (3.13), a command or a path; else the first that the project names.
# --say-what-next ends with what to do now.
set -euo pipefail
cd "$(dirname "$0")/.."

ended() {
    if [ "$1" != 0 ]; then
        echo "setup: not done, for the reason above. When that is put right, \`make setup\` goes on where it was." >&2
    elif [ "$2" = --say-what-next ]; then
        echo "setup: done. Now start .venv/bin/napari, or \`make demo\` for the whole pipeline on the sample."
    fi
}
trap 'ended $? "${1:-}"' EXIT

# shellcheck source=scripts/tools.sh
. scripts/tools.sh

python=""
for wanted in ${PYTHON:-$PYTHONS python3}; do
    python=$(find_python "$wanted") && break
done
[ -n "$python" ] || { echo "setup: found no Python ${PYTHON:-$PYTHONS} here" >&2; exit 1; }

# Another Python than before: begin again.
stamp=.venv/.cropzoom-setup
version() { "$1" -c 'import sys; print(sys.version_info[:2])'; }
if [ -n "${PYTHON:-}" ] && [ -x .venv/bin/python ] && [ "$(version .venv/bin/python)" != "$(version "$python")" ]; then
    rm -rf .venv
fi
[ -f "$stamp" ] && [ "$stamp" -nt pyproject.toml ] && [ "$stamp" -nt scripts/setup.sh ] && exit 0

# Qt and OpenGL need system libraries; on a Debian where we may, install what is missing.
packages="xvfb xauth xdotool libgl1 libgl1-mesa-dri libegl1 libxcb-cursor0 libxkbcommon-x11-0
  libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxcb-xinerama0 libxcb-image0 libxcb-render-util0
  libdbus-1-3"
if command -v apt-get >/dev/null; then
    missing=""
    for package in $packages; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        as_root=""
        [ "$(id -u)" = 0 ] || as_root="sudo -n"
        if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then
            echo "setup: installing$missing"
            export DEBIAN_FRONTEND=noninteractive
            $as_root apt-get update -qq
            # shellcheck disable=SC2086
            $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
        else
            echo "setup: a window may not open; ask an administrator for: apt-get install$missing" >&2
        fi
    fi
fi

[ -x .venv/bin/python ] || "$python" -m venv .venv
uv=$(find_uv .venv)
hand_over_indexes "$python"

# compiled now, since where Python is told to write no bytecode every start would compile torch again
"$uv" pip install --python .venv/bin/python --quiet --compile-bytecode -e '.[all]' --group dev
touch "$stamp"
