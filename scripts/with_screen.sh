#!/usr/bin/env bash
# Run a command with the screen there is, or else with a virtual one.
set -euo pipefail
if [ "$(uname)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    if command -v xvfb-run >/dev/null; then
        # from a number of its own, since two that start at once may take the same one
        exec xvfb-run -a -n "$((99 + $$ % 900))" -s "-screen 0 1600x1000x24" "$@"
    fi
    echo "no screen and no xvfb-run: windows cannot open (apt-get install xvfb)" >&2
    export QT_QPA_PLATFORM=offscreen
fi
exec "$@"
