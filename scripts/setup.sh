#!/usr/bin/env bash
# Make .venv with the project, its tests and its docs. Safe to run again; quick when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=.venv/.cropzoom-setup
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

python=""
for candidate in python3.11 python3.12 python3.13 python3; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || { echo "setup: Python 3.11, 3.12 or 3.13 is needed and was not found" >&2; exit 1; }
[ -x .venv/bin/python ] || "$python" -m venv .venv
uv=$(command -v uv || true)
if [ -z "$uv" ] || ! "$uv" --version | awk '{split($2, v, "."); exit !(v[1] > 0 || v[2] >= 9)}'; then
    [ -x .venv/bin/pip ] || .venv/bin/python -m ensurepip >/dev/null
    [ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet 'uv>=0.9'
    uv=.venv/bin/uv
fi

# uv does not read pip's configuration; hand over what is set there, so that local mirrors are used.
pip_setting() { "$python" -m pip config get "global.$1" 2>/dev/null || true; }
extra=$(pip_setting extra-index-url)
[ -z "$extra" ] || export UV_INDEX="${UV_INDEX:-$extra}" UV_INDEX_STRATEGY="${UV_INDEX_STRATEGY:-unsafe-best-match}"
index=$(pip_setting index-url)
[ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
constraint=$(pip_setting constraint)
[ -z "$constraint" ] || export UV_CONSTRAINT="${UV_CONSTRAINT:-$constraint}"

# compiled now, since where Python is told to write no bytecode every start would compile torch again
"$uv" pip install --python .venv/bin/python --quiet --compile-bytecode -e '.[all]' --group dev
touch "$stamp"
