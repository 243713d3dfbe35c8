#!/usr/bin/env bash
# Run the tests under a rule of another system, on Linux:
#   run.sh sharing     Windows: a file that is open is neither renamed, replaced nor removed
#   run.sh no-locks    a network drive that has no locks
#   run.sh code-page   Windows: output in the code page 1252
#   run.sh line-ends   Windows: a clone whose text files end their lines with CR LF, without links
# More arguments are given to pytest. What was refused is said at the end, and in which tests.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD rule=${1:-}
python=$root/.venv/bin/python
[ $# -eq 0 ] || shift

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

case $rule in
    sharing | no-locks)
        cc -shared -fPIC -O1 -o "$work/rules.so" scripts/other_systems/rules.c -ldl
        export CROPZOOM_RULES=$rule CROPZOOM_REFUSED=$work/refused
        if [ "$rule" = sharing ]; then export CROPZOOM_SHARING=$work/rules.so; fi
        export LD_PRELOAD=$work/rules.so
        ;;
    code-page)
        export PYTHONIOENCODING=cp1252 PYTHONUTF8=0
        ;;
    line-ends)
        git clone --quiet --no-checkout -c core.symlinks=false -c core.autocrlf=true "$root" "$work/clone"
        printf '* text=auto eol=crlf\n*.sh eol=lf\ntests/data/** -text\n' >"$work/clone/.git/info/attributes"
        cd "$work/clone"
        git checkout --quiet
        export PYTHONPATH=$work/clone/src
        ;;
    *)
        sed -n '2,7s/^# //p' "$0" >&2
        exit 2
        ;;
esac

code=0
scripts/with_screen.sh "$python" -m pytest "$@" || code=$?
unset LD_PRELOAD
if [ -s "$work/refused" ]; then
    echo "refused (how often, what, which file, in which tests):"
    sed -E 's:\t[^\t]*/:\t:; s#::.*##; s/[0-9a-f]{8}/*/g' "$work/refused" | sort | uniq -c
fi
exit $code
