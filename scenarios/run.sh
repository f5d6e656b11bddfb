#!/usr/bin/env bash
# Compiles and runs scenarios: run.sh [--renamed] [--collector NAME] [--dumps N] OUT [NAME...]
# Dumps and truth of each go to OUT/NAME. Needs JDK 17 (JAVA_HOME, or javac on the PATH).
#   --renamed         all packages of the applications get other names, in the truth, too
#   --collector NAME  serial, parallel, g1 (the default), shenandoah or z
#   --dumps N         how many dumps, 6 if not said
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
usage() { sed -n '2,6s/^# //p' "$0" >&2; exit 2; }

renamed=
collector=g1
dumps=6
while [ $# -gt 0 ]; do
    case $1 in
        --renamed) renamed=yes; shift ;;
        --collector) collector=${2:?}; shift 2 ;;
        --dumps) dumps=${2:?}; shift 2 ;;
        -*) usage ;;
        *) break ;;
    esac
done
[ $# -ge 1 ] || usage
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift

case $collector in
    serial) gc=-XX:+UseSerialGC ;;
    parallel) gc=-XX:+UseParallelGC ;;
    g1) gc=-XX:+UseG1GC ;;
    shenandoah) gc=-XX:+UseShenandoahGC ;;
    z) gc=-XX:+UseZGC ;;
    *) echo "run.sh: unknown collector: $collector" >&2; exit 2 ;;
esac
bin=${JAVA_HOME:+$JAVA_HOME/bin/}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$here/java" "$here/truth" "$work"
if [ -n "$renamed" ]; then
    # org.example.shop and the others become k.p1, k.p2, ...: the same lengths of nothing, and no word that says anything.
    rename=()
    nth=0
    for package in "$work"/java/org/example/*/; do
        nth=$((nth + 1))
        name=$(basename "$package")
        rename+=(-e "s/\\borg\\.example\\.$name\\b/k.p$nth/g")
        mkdir -p "$work/java/k"
        mv "$package" "$work/java/k/p$nth"
    done
    find "$work/java" "$work/truth" -type f -exec sed -i "${rename[@]}" {} +
fi
mkdir "$work/classes"
# Inline string concatenation: the default goes through method handles and fills every dump with their classes.
"${bin}javac" --release 17 -encoding UTF-8 -Xlint:-options -XDstringConcat=inline -d "$work/classes" \
    $(find "$work/java" -name '*.java')

failed=()
# run_java NAME
run_java() {
    local main
    main=$(sed -n 's/^ *"main": "\(.*\)",$/\1/p' "$work/truth/$1.json")
    timeout 300 "${bin}java" $gc -Xmx256m -Xms256m -cp "$work/classes" "$main" "$out/$1" "$dumps"
}

[ $# -gt 0 ] || set -- $(cd "$here/truth" && ls ./*.json | sed 's/^\.\///; s/\.json$//')
for name in "$@"; do
    [ -f "$work/truth/$name.json" ] || { echo "run.sh: no scenario $name; see $here/truth" >&2; exit 2; }
    rm -rf "${out:?}/$name"
    mkdir -p "$out/$name"
    start=$SECONDS
    if run_java "$name" >"$out/$name/log" 2>&1; then
        cp "$work/truth/$name.json" "$out/$name/truth.json"
        echo "$name: $(ls "$out/$name" | grep -c hprof) dumps, $(du -ch "$out/$name"/*.hprof | tail -n1 | cut -f1), $((SECONDS - start)) s"
    else
        echo "$name: FAILED, see $out/$name/log" >&2
        failed+=("$name")
    fi
done
[ ${#failed[@]} -eq 0 ] || exit 1
