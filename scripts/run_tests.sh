#!/usr/bin/env bash
# Run pytest with a Python, on the screen there is or a virtual one:
#   run_tests.sh PYTHON [arguments of pytest]
# With AGAIN=3 in the environment up to three tests that failed run once more, by themselves. If they pass then, what is run has
# passed, and they are named as UNSTABLE: they failed only beside others, on a machine that does two things at a time. A crash
# of Python, and more failures than that, are never run again.
set -euo pipefail
cd "$(dirname "$0")/.."

python=$1
shift
cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT
tests() { scripts/with_screen.sh "$python" -m pytest -o cache_dir="$cache" --durations=20 --durations-min=5 "$@"; }

code=0
tests "$@" || code=$?
if [ "$code" = 1 ] && [ "${AGAIN:-0}" -gt 0 ]; then
    failed=$("$python" -c 'import json, sys; print(*json.load(open(sys.argv[1])), sep="\n")' "$cache/v/cache/lastfailed")
    if [ "$(wc -l <<<"$failed")" -le "$AGAIN" ]; then
        code=0
        tests --last-failed --last-failed-no-failures none "$@" || code=$?
        if [ "$code" = 0 ]; then sed 's/^/UNSTABLE: /' <<<"$failed"; fi
    fi
fi
exit "$code"
