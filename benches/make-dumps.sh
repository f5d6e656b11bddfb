#!/usr/bin/env bash
# Makes the dumps that run.sh measures on: make-dumps.sh DIR
#
# Takes 10 GB in DIR and 3 GB of memory; what is in DIR already is not made again. Needs JDK 17 (JDK17_HOME, or the
# usual folder below /usr/lib/jvm) and cargo.
#
#   small-objects-base.hprof         a JVM's dump of SmallObjects, 4 million objects, 0.2 GB
#   small-objects-3g.hprof           its objects many times over, 67 million objects, 3 GB, in segments of 1 MiB
#   small-objects-3g-single.hprof    the same in one record, as JDK 8 writes it
#   small-objects-3g-shuffled.hprof  the same, the objects not in the order of their addresses, as with ZGC
#   small-objects-jvm.hprof.gz       a dump of SmallObjects, 33 million objects, 1.6 GB, gzipped by the JVM
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: make-dumps.sh DIR" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
java_pid=
scratch=$(mktemp -d)
trap 'stop_java; rm -rf "$scratch"' EXIT

for jdk in "${JDK17_HOME:-}" /usr/lib/jvm/*17*; do
    if [ -x "$jdk/bin/jmap" ]; then
        break
    fi
done
if [ ! -x "$jdk/bin/jmap" ]; then
    echo "make-dumps.sh: JDK 17 not found; set JDK17_HOME" >&2
    exit 1
fi

stop_java() {
    if [ -n "$java_pid" ]; then
        kill -9 "$java_pid" 2>/dev/null || true
        wait "$java_pid" 2>/dev/null || true
        java_pid=
    fi
}

# A file gets its name when it is whole: an interrupted run leaves nothing that looks finished.
finish() { # FILE
    mv "$dir/unfinished-$1" "$dir/$1"
    ls -l "$dir/$1"
}

jvm_dump() { # FILE CUSTOMERS HEAP JMAP_OPTIONS
    local line
    rm -f "$dir/unfinished-$1"
    if [ ! -d "$scratch/classes" ]; then
        # Inline string concatenation keeps the classes of method handles out of the dump.
        "$jdk/bin/javac" --release 17 -XDstringConcat=inline -d "$scratch/classes" \
            -sourcepath "$here/../tests/programs/java11" "$here/java/com/example/bench/SmallObjects.java"
    fi
    coproc JAVA {
        exec env -i LC_ALL=C.UTF-8 "$jdk/bin/java" -XX:+UseG1GC "-Xmx$3" -cp "$scratch/classes" \
            com.example.bench.SmallObjects "$2"
    }
    java_pid=$JAVA_PID
    IFS= read -r -t 300 line <&"${JAVA[0]}"
    "$jdk/bin/jmap" "-dump:live,format=b,file=$dir/unfinished-$1$4" "$java_pid"
    stop_java
    finish "$1"
}

multiplied() { # FILE OPTION...
    local file=$1
    shift
    rm -f "$dir/unfinished-$file"
    cargo run --release --quiet --manifest-path "$here/../Cargo.toml" --example multiply -- \
        "$dir/small-objects-base.hprof" "$dir/unfinished-$file" --copies 15 "$@"
    finish "$file"
}

missing() { # FILE
    [ ! -e "$dir/$1" ]
}

if missing small-objects-base.hprof; then
    jvm_dump small-objects-base.hprof 75000 1g ""
fi
if missing small-objects-3g.hprof; then
    multiplied small-objects-3g.hprof
fi
if missing small-objects-3g-single.hprof; then
    multiplied small-objects-3g-single.hprof --single-record
fi
if missing small-objects-3g-shuffled.hprof; then
    multiplied small-objects-3g-shuffled.hprof --shuffle
fi
if missing small-objects-jvm.hprof.gz; then
    jvm_dump small-objects-jvm.hprof.gz 600000 3g ",gz=1"
fi
