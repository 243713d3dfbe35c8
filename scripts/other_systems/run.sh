#!/usr/bin/env bash
# Run the tests under rules of other systems, on Linux; several at once are joined by commas (no-locks,code-page):
#   run.sh sharing     Windows: a file that is open is neither renamed, replaced nor removed
#   run.sh no-locks    a network drive that has no locks
#   run.sh code-page   Windows: output in the code page 1252
#   run.sh line-ends   Windows: a clone whose text files end their lines with CR LF, without links
# More arguments are given to pytest. What was refused is said at the end, and in which tests.
# The clone of line-ends has what is committed.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
python=$root/.venv/bin/python
IFS=, read -ra rules <<<"${1:-}"
[ $# -eq 0 ] || shift

refuse() {
    [ -z "$1" ] || echo "no such rule: $1" >&2
    sed -n '2,8s/^# //p' "$root/scripts/other_systems/run.sh" >&2
    exit 2
}

[ ${#rules[@]} -gt 0 ] || refuse ""
for rule in "${rules[@]}"; do
    case $rule in sharing | no-locks | code-page | line-ends) ;; *) refuse "$rule" ;; esac
done

has() { [[ " ${rules[*]} " == *" $1 "* ]]; }

work=$(mktemp -d)
chmod 755 "$work" # some tests give up their rights, and read the clone within
trap 'rm -rf "$work"' EXIT

if has line-ends; then
    git clone --quiet --no-checkout -c core.symlinks=false -c core.autocrlf=true "$root" "$work/clone"
    printf '* text=auto eol=crlf\n*.sh eol=lf\ntests/data/** -text\n' >"$work/clone/.git/info/attributes"
    (cd "$work/clone" && git checkout --quiet)
    cd "$work/clone"
    export PYTHONPATH=$work/clone/src
fi
if has code-page; then
    export PYTHONIOENCODING=cp1252 PYTHONUTF8=0
fi
if has sharing || has no-locks; then # last, since it holds for every program from here on
    cc -shared -fPIC -O1 -o "$work/rules.so" "$root/scripts/other_systems/rules.c" -ldl
    export CROPZOOM_RULES="${rules[*]}" CROPZOOM_REFUSED=$work/refused
    if has sharing; then export CROPZOOM_SHARING=$work/rules.so; fi
    export LD_PRELOAD=$work/rules.so
fi

code=0
scripts/with_screen.sh "$python" -m pytest "$@" || code=$?
unset LD_PRELOAD
if [ -s "$work/refused" ]; then
    echo "refused (how often, what, which file, in which tests):"
    sed -E 's:\t[^\t]*/:\t:; s#::.*##; s/[0-9a-f]{8}/*/g' "$work/refused" | sort | uniq -c
fi
exit $code
