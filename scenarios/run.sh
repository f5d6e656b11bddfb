#!/usr/bin/env bash
# Compiles and runs scenarios: run.sh [--jars JARS] [--renamed] [--collector NAME] [--dumps N] OUT [NAME...]
# Dumps and truth of each go to OUT/NAME. Needs JDK 17 (JAVA_HOME, or javac on the PATH).
#   --jars JARS       libraries that jars.sh has fetched; scenarios without their libraries are skipped
#   --renamed         all packages of the applications get other names, in the truth, too
#   --collector NAME  serial, parallel, g1 (the default), shenandoah or z
#   --dumps N         how many dumps, 6 if not said
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
usage() { sed -n '2,7s/^# //p' "$0" >&2; exit 2; }

jars=
renamed=
collector=g1
dumps=6
while [ $# -gt 0 ]; do
    case $1 in
        --jars) jars=$(cd "${2:?}" && pwd); shift 2 ;;
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


# Spark's jars: those that jars.sh fetched, of SPARK_HOME, or of the pyspark package.
spark=
for found in "${jars:+$jars/spark}" "${SPARK_HOME:+$SPARK_HOME/jars}" \
    "$(python3 -c 'import os, pyspark; print(os.path.join(os.path.dirname(pyspark.__file__), "jars"))' 2>/dev/null)"; do
    [ -n "$spark" ] || [ -z "$found" ] || [ ! -d "$found" ] || spark=$found
done

truth_of() { sed -n "s/^ *\"$2\": \"\(.*\)\",\$/\1/p" "$work/truth/$1.json"; }
# The JDK that a scenario needs, as a prefix of its commands; fails where there is none.
jdk_of() {
    local wanted home version
    wanted=$(truth_of "$1" jdk)
    [ -n "$wanted" ] || { echo "$bin"; return; }
    for home in "${JDK21_HOME:-}" "${JDK25_HOME:-}" "${JAVA_HOME:-}" /usr/lib/jvm/*; do
        [ -x "$home/bin/javac" ] || continue
        version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/release" 2>/dev/null)
        [ "${version:-0}" -lt "$wanted" ] || { echo "$home/bin/"; return; }
    done
    return 1
}
# The class path of a scenario's libraries; fails where one of them is missing.
class_path_of() {
    local set found path=
    for set in $(truth_of "$1" jars); do
        found=$jars/$set
        [ "$set" != spark ] || found=$spark
        if [ -n "$found" ] && [ -d "$found" ]; then
            path=$path:$found/\*
        elif [ -f "$found" ]; then
            path=$path:$found
        else
            return 1
        fi
    done
    echo "$path"
}
opens=()
for package in lang lang.invoke lang.reflect io net nio util util.concurrent util.concurrent.atomic; do
    opens+=("--add-opens=java.base/java.$package=ALL-UNNAMED")
done
for package in nio.ch nio.cs security.action util.calendar; do
    opens+=("--add-opens=java.base/sun.$package=ALL-UNNAMED")
done

run_java() {
    timeout 300 "${bin}java" $gc -Xmx256m -Xms256m -cp "$work/classes" "$(truth_of "$1" main)" "$out/$1" "$dumps"
}
# Programs of libraries are compiled one by one, with the libraries that they use and no others.
run_with_libraries() {
    local classes=$work/classes-$1 path main jdk heap=256m
    path=$work/classes$(class_path_of "$1")
    main=$(truth_of "$1" main)
    jdk=$(jdk_of "$1")
    case $path in *"$spark/"*) heap=640m ;; esac
    mkdir -p "$classes" "$work/tmp"
    "${jdk}javac" -encoding UTF-8 -nowarn -proc:none -implicit:class -XDstringConcat=inline -cp "$path" \
        -sourcepath "$here/libraries:$here/spark" -d "$classes" \
        "$(ls "$here"/{libraries,spark}/"${main//.//}.java" 2>/dev/null)" &&
        (cd "$work/tmp" && SPARK_LOCAL_IP=127.0.0.1 timeout 600 "${jdk}java" $gc -Xmx$heap \
            "-Djava.io.tmpdir=$work/tmp" "-Dlogback.configurationFile=$here/libraries/logback.xml" "${opens[@]}" \
            -cp "$classes:$path" "$main" "$out/$1" "$dumps")
}

failed=()

[ $# -gt 0 ] || set -- $(cd "$here/truth" && ls ./*.json | sed 's/^\.\///; s/\.json$//')
for name in "$@"; do
    [ -f "$work/truth/$name.json" ] || { echo "run.sh: no scenario $name; see $here/truth" >&2; exit 2; }
    run=run_java
    if [ -n "$(truth_of "$name" jars)$(truth_of "$name" jdk)" ]; then
        run=run_with_libraries
        if [ -n "$renamed" ]; then
            echo "$name: skipped: what it leaks is a library's, which cannot be renamed"
            continue
        elif ! class_path_of "$name" >/dev/null; then
            echo "$name: skipped: it needs $(truth_of "$name" jars) (scenarios/jars.sh JARS, then --jars JARS)"
            continue
        elif ! jdk_of "$name" >/dev/null; then
            echo "$name: skipped: it needs JDK $(truth_of "$name" jdk)"
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
