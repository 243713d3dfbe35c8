#!/usr/bin/env bash
# Run the tests that need no torch in an environment of their own:
#   test_environment.sh newest   the newest Python at hand that the project names, the newest dependencies
#   test_environment.sh oldest   the oldest of these Pythons, the oldest dependencies that pyproject.toml allows
# More arguments are given to pytest. Where there is no such Python, it says so and that is all.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=scripts/tools.sh
. scripts/tools.sh

kind=$1
shift
case $kind in
    newest)
        pythons="" resolution=highest
        for python in ${PYTHONS#* }; do pythons="$python $pythons"; done
        ;;
    oldest) pythons=${PYTHONS%% *} resolution=lowest-direct ;;
    *) echo "test_environment: newest or oldest, not $kind" >&2; exit 2 ;;
esac

python=""
for wanted in $pythons; do
    python=$(find_python "$wanted") && break
done
if [ -z "$python" ]; then
    echo "test_environment: skipped the $kind dependencies, since there is no Python ${pythons% } here"
    exit 0
fi

environment=.venv-$kind
uv=$(find_uv .venv)
hand_over_indexes "$python"
"$uv" venv --quiet --clear --python "$python" "$environment"
"$uv" pip install --python "$environment/bin/python" --quiet --resolution "$resolution" \
    -e . 'napari[pyqt6]>=0.9' --group test-light
echo "test_environment: the $kind dependencies, on $("$python" --version)"
scripts/run_tests.sh "$environment/bin/python" "$@"
