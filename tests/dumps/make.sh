#!/usr/bin/env bash
# Makes every dump in this folder anew: make.sh [NAME...]   (NAME = a folder below; default: all of them)
#
# Needs JDK 17 and JDK 25 (JDK17_HOME, JDK25_HOME, or the usual folders below /usr/lib/jvm). See README.md for what
# is made, and for the format of the .histo.txt files.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# Class path, working directory and user are written into a dump: run in a neutral place, with an empty environment.
app=/tmp/heapdrift-app
scratch=$(mktemp -d)
java_pid=
trap 'stop_java; rm -rf "$scratch" "$app"' EXIT
# jmap decodes class names; without a UTF-8 locale it prints question marks.
export LC_ALL=C.UTF-8

find_jdk() { # VERSION HOME_FROM_ENVIRONMENT
    local candidate
    for candidate in "$2" /usr/lib/jvm/*; do
        if [ -x "$candidate/bin/jmap" ] && [ -f "$candidate/release" ] &&
            grep -q "^JAVA_VERSION=\"$1[.\"]" "$candidate/release"; then
            echo "$candidate"
            return
        fi
    done
    echo "make.sh: JDK $1 not found; set JDK$1_HOME" >&2
    return 1
}

jdk17=$(find_jdk 17 "${JDK17_HOME:-}")
jdk25=$(find_jdk 25 "${JDK25_HOME:-}")

build() {
    local classes="$scratch/classes"
    bash "$here/../programs/compile.sh" "$jdk17" "$jdk25" "$classes"
    rm -rf "$app"
    mkdir "$app"
    "$jdk17/bin/jar" --create --file "$app/cloud-sdk-http-1.4.2.jar" -C "$classes" com/cloudsdk
    "$jdk17/bin/jar" --create --file "$app/batch-worker.jar" -C "$classes" com/example/worker \
        -C "$classes" com/example/support
    rm -r "$classes/com/cloudsdk" "$classes/com/example/worker"
    "$jdk17/bin/jar" --create --file "$app/programs.jar" -C "$classes" .
}

clean_java() { # JDK ARGUMENT...
    local jdk=$1
    shift
    cd "$app"
    exec env -i LC_ALL=C.UTF-8 "$jdk/bin/java" -Duser.name=app -Duser.home=/home/app "$@"
}

start_java() { # JDK ARGUMENT...
    coproc JAVA { clean_java "$@"; }
    java_pid=$JAVA_PID
    java_out=${JAVA[0]}
    java_in=${JAVA[1]}
}

stop_java() {
    if [ -n "$java_pid" ]; then
        kill -9 "$java_pid" 2>/dev/null || true
        wait "$java_pid" 2>/dev/null || true
        java_pid=
    fi
}

await_checkpoint() { # NUMBER
    local line
    IFS= read -r -t 60 line <&"$java_out"
    [ "$line" = "checkpoint $1 reached" ]
}

# Joins two histograms: the first one's lines, those marked "# unstable " whose row is not the same in the second.
join_histograms() { # BEFORE AFTER
    awk '
        { row = $0; sub(/^ *[0-9]+: */, "", row); gsub(/ +/, " ", row) }
        NR == FNR { after[row] = 1; next }
        { print (row in after ? "" : "# unstable ") $0 }
    ' "$2" "$1"
}

# Fillers take up room between objects and belong to no program; everything else must stand still.
only_fillers_unstable() { # HISTOGRAM
    ! grep '^# unstable' "$1" |
        grep -vqE 'Total|FillerElement|FillerObject| \[I( |$)| java\.lang\.Object( |$)'
}

take_dump() { # JDK live|all plain|jvm-gz NAME/NUMBER
    local jdk=$1 objects=$2 container=$3 target="$here/$4" attempt
    mkdir -p "$(dirname "$target")"
    # The first attachment loads classes and starts a thread: not to be counted.
    "$jdk/bin/jmap" "-histo:$objects" "$java_pid" >"$scratch/warm-up"
    for attempt in 1 2 3 4 5; do
        rm -f "$scratch"/dump.*
        "$jdk/bin/jmap" "-histo:$objects" "$java_pid" >"$scratch/before"
        if [ "$container" = jvm-gz ]; then
            "$jdk/bin/jmap" "-dump:$objects,format=b,file=$scratch/dump.hprof.gz,gz=9" "$java_pid" >"$scratch/jmap.log"
        else
            "$jdk/bin/jmap" "-dump:$objects,format=b,file=$scratch/dump.hprof" "$java_pid" >"$scratch/jmap.log"
            gzip -n -9 "$scratch/dump.hprof"
        fi
        "$jdk/bin/jmap" "-histo:$objects" "$java_pid" >"$scratch/after"
        join_histograms "$scratch/before" "$scratch/after" >"$scratch/histo.txt"
        if only_fillers_unstable "$scratch/histo.txt"; then
            install -m 644 "$scratch/dump.hprof.gz" "$target.hprof.gz"
            install -m 644 "$scratch/histo.txt" "$target.histo.txt"
            return
        fi
        echo "make.sh: $4: histograms differ, attempt $attempt" >&2
    done
    return 1
}

series() { # NAME CHECKPOINTS JDK live|all plain|jvm-gz JAVA_ARGUMENT...
    local name=$1 checkpoints=$2 jdk=$3 objects=$4 container=$5 number
    shift 5
    echo "make.sh: $name"
    rm -rf "${here:?}/$name"
    start_java "$jdk" "$@"
    for ((number = 1; number <= checkpoints; number++)); do
        await_checkpoint "$number"
        take_dump "$jdk" "$objects" "$container" "$name/$number"
        echo >&"$java_in"
    done
    stop_java
}

# The JVM writes this dump itself, while it dies. Its own log of the last full collection is the histogram.
out_of_memory() { # NAME JDK JAVA_ARGUMENT...
    local name=$1 jdk=$2 log="$scratch/gc.log"
    shift 2
    echo "make.sh: $name"
    rm -rf "${here:?}/$name" "$log" "$scratch"/dump.*
    mkdir "$here/$name"
    (clean_java "$jdk" -XX:+HeapDumpOnOutOfMemoryError "-XX:HeapDumpPath=$scratch/dump.hprof" \
        "-Xlog:gc+classhisto*=trace:file=$log:none" "$@") >"$scratch/oom.log" 2>&1 && return 1
    gzip -n -9 "$scratch/dump.hprof"
    install -m 644 "$scratch/dump.hprof.gz" "$here/$name/1.hprof.gz"
    # Each collection's histogram replaces the one before: what remains is the last.
    sed -E 's/^GC\([0-9]+\) //' "$log" | awk '
        /^Class Histogram \(after full gc\)$/ { text = "" }
        /^ num|^-+$|^ *[0-9]+: |^Total/ { text = text $0 "\n" }
        END { printf "%s", text }
    ' >"$here/$name/1.histo.txt"
}

make_one() {
    local layouts=com.example.layouts
    # Whether the archive of shared classes is used decides over more than half of a small dump's size: off where
    # it does not matter.
    case $1 in
        sdk-client-leak)
            series "$1" 4 "$jdk17" live plain -XX:+UseG1GC -Xmx64m \
                -cp batch-worker.jar:cloud-sdk-http-1.4.2.jar com.example.worker.BatchWorker ;;
        queue-backlog-leak)
            series "$1" 4 "$jdk25" live plain -XX:+UseSerialGC -Xshare:off -Xmx32m \
                -cp programs.jar com.example.leaks.QueueBacklogLeak ;;
        lru-cache-control)
            series "$1" 3 "$jdk17" live plain -XX:+UseSerialGC -Xshare:off -Xmx32m \
                -cp programs.jar com.example.controls.LruCacheControl ;;
        jdk17-serial)
            series "$1" 1 "$jdk17" live plain -XX:+UseSerialGC -Xshare:off -Xmx32m \
                -cp programs.jar $layouts.PlatformThreads ;;
        jdk17-parallel-contended)
            series "$1" 1 "$jdk17" live plain -XX:+UseParallelGC -Xshare:off -Xmx32m \
                -cp programs.jar $layouts.ContendedCells ;;
        jdk17-zgc-hidden-classes)
            series "$1" 1 "$jdk17" live plain -XX:+UseZGC -Xshare:off -Xmx64m \
                -cp programs.jar $layouts.RecordsAndHiddenClasses ;;
        jdk17-no-compressed-oops)
            series "$1" 1 "$jdk17" live plain -XX:+UseG1GC -XX:-UseCompressedOops -Xmx64m \
                -cp programs.jar $layouts.DeepHierarchies ;;
        jdk17-jvm-gz-unicode)
            series "$1" 1 "$jdk17" live jvm-gz -XX:+UseSerialGC -Xshare:off -Xmx32m \
                -cp programs.jar $layouts.UnicodeNames ;;
        jdk17-not-live)
            series "$1" 1 "$jdk17" all plain -XX:+UseSerialGC -Xshare:off -Xmx32m \
                -cp programs.jar com.example.leaks.ClassLoaderLeak ;;
        jdk17-out-of-memory)
            out_of_memory "$1" "$jdk17" -XX:+UseSerialGC -Xshare:off -Xmx16m \
                -cp programs.jar $layouts.OutOfMemory ;;
        jdk25-g1-virtual-threads)
            series "$1" 1 "$jdk25" live plain -XX:+UseG1GC -Xmx64m \
                -cp programs.jar $layouts.VirtualThreads ;;
        jdk25-compact-headers)
            series "$1" 1 "$jdk25" live plain -XX:+UseG1GC -XX:+UseCompactObjectHeaders -Xmx64m \
                -cp programs.jar $layouts.DeepHierarchies ;;
        jdk25-zgc-references)
            series "$1" 1 "$jdk25" live plain -XX:+UseZGC -Xshare:off -Xmx64m \
                -cp programs.jar $layouts.InvocationAndReferences ;;
        jdk25-no-shared-classes)
            series "$1" 1 "$jdk25" live plain -XX:+UseG1GC -Xshare:off -Xmx64m \
                -cp programs.jar $layouts.RandomShapes 7 300 ;;
        *)
            echo "make.sh: unknown: $1" >&2
            return 1 ;;
    esac
}

build
if [ $# -eq 0 ]; then
    set -- sdk-client-leak queue-backlog-leak lru-cache-control \
        jdk17-serial jdk17-parallel-contended jdk17-zgc-hidden-classes jdk17-no-compressed-oops \
        jdk17-jvm-gz-unicode jdk17-not-live jdk17-out-of-memory \
        jdk25-g1-virtual-threads jdk25-compact-headers jdk25-zgc-references jdk25-no-shared-classes
fi
for name in "$@"; do
    make_one "$name"
done
