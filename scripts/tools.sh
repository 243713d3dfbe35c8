# Sourced by the scripts beside it: finding Python and uv.
# shellcheck shell=bash

PYTHONS="3.11 3.12 3.13" # those of requires-python in pyproject.toml

# Whether a command runs one of the Pythons that the project names.
runs_python() {
    "$1" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] not in sys.argv[1].split())' "$PYTHONS" 2>/dev/null
}

# Print the command of Python $1 (3.12, python3.12 or a path): from PATH, else from pyenv's versions.
find_python() {
    local name=$1 candidate
    case $name in [0-9]*) name=python$name ;; esac
    for candidate in "$name" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/"$name"; do
        if runs_python "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}

# Print a uv that is new enough, installing it into the environment $1 where there is none.
find_uv() {
    local uv
    for uv in uv "$1/bin/uv"; do
        if "$uv" --version 2>/dev/null | awk '{split($2, v, "."); exit !(v[1] > 0 || v[2] >= 9)} END {exit !NR}'; then
            echo "$uv"
            return
        fi
    done
    [ -x "$1/bin/pip" ] || "$1/bin/python" -m ensurepip >/dev/null
    "$1/bin/python" -m pip install --quiet 'uv>=0.9' >&2
    echo "$1/bin/uv"
}

# uv does not read pip's configuration; hand over what the pip of Python $1 is told, so that local mirrors are used.
hand_over_indexes() {
    local extra index constraint
    extra=$("$1" -m pip config get global.extra-index-url 2>/dev/null || true)
    [ -z "$extra" ] || export UV_INDEX="${UV_INDEX:-$extra}" UV_INDEX_STRATEGY="${UV_INDEX_STRATEGY:-unsafe-best-match}"
    index=$("$1" -m pip config get global.index-url 2>/dev/null || true)
    [ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
    constraint=$("$1" -m pip config get global.constraint 2>/dev/null || true)
    [ -z "$constraint" ] || export UV_CONSTRAINT="${UV_CONSTRAINT:-$constraint}"
}
