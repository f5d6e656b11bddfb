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
    # org.example.shop and the others become k.p1, k.p2, ...: names that say nothing.
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


# Spark's jars: those of SPARK_HOME, or of the pyspark package.
spark=
for jars in "${SPARK_HOME:+$SPARK_HOME/jars}" \
    "$(python3 -c 'import os, pyspark; print(os.path.join(os.path.dirname(pyspark.__file__), "jars"))' 2>/dev/null)"; do
    [ -n "$spark" ] || [ -z "$jars" ] || [ ! -d "$jars" ] || spark=$jars
done
is_spark() { grep -q '"spark": true' "$work/truth/$1.json"; }
main_of() { sed -n 's/^ *"main": "\(.*\)",$/\1/p' "$work/truth/$1.json"; }
compile_spark() {
    [ ! -d "$work/spark-classes" ] || return 0
    mkdir "$work/spark-classes"
    "${bin}javac" -encoding UTF-8 -nowarn -XDstringConcat=inline -cp "$work/classes:$spark/*" -d "$work/spark-classes" \
        $(find "$here/spark" -name '*.java')
}
opens=()
for package in lang lang.invoke lang.reflect io net nio util util.concurrent util.concurrent.atomic; do
    opens+=("--add-opens=java.base/java.$package=ALL-UNNAMED")
done
for package in nio.ch nio.cs security.action util.calendar; do
    opens+=("--add-opens=java.base/sun.$package=ALL-UNNAMED")
done

run_java() {
    timeout 300 "${bin}java" $gc -Xmx256m -Xms256m -cp "$work/classes" "$(main_of "$1")" "$out/$1" "$dumps"
}
run_spark() {
    mkdir -p "$work/tmp"
    compile_spark && (cd "$work/tmp" && SPARK_LOCAL_IP=127.0.0.1 timeout 600 "${bin}java" $gc -Xmx640m \
        "-Djava.io.tmpdir=$work/tmp" "${opens[@]}" \
        -cp "$work/classes:$work/spark-classes:$spark/*" "$(main_of "$1")" "$out/$1" "$dumps")
}

failed=()

[ $# -gt 0 ] || set -- $(cd "$here/truth" && ls ./*.json | sed 's/^\.\///; s/\.json$//')
for name in "$@"; do
    [ -f "$work/truth/$name.json" ] || { echo "run.sh: no scenario $name; see $here/truth" >&2; exit 2; }
    run=run_java
    if is_spark "$name"; then
        run=run_spark
        if [ -n "$renamed" ]; then
            echo "$name: skipped: what it leaks is Spark's, which cannot be renamed"
            continue
        elif [ -z "$spark" ]; then
            echo "$name: skipped: it needs Spark (pip install pyspark==3.5.5, or set SPARK_HOME)"
            continue
        fi
    fi
    rm -rf "${out:?}/$name"
    mkdir -p "$out/$name"
    start=$SECONDS
    if $run "$name" >"$out/$name/log" 2>&1; then
        cp "$work/truth/$name.json" "$out/$name/truth.json"
        size=$(du -ch "$out/$name"/*.hprof | tail -n1 | cut -f1)
        echo "$name: $(ls "$out/$name" | grep -c hprof) dumps, $size, $((SECONDS - start)) s"
    else
        echo "$name: FAILED, see $out/$name/log" >&2
        failed+=("$name")
    fi
done
[ ${#failed[@]} -eq 0 ] || exit 1
