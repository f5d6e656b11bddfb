#!/usr/bin/env bash
# Measures building an index, with all retained sizes, against hprof-analyzer: index.sh DUMP...
#
# Both start from nothing; every dump is read once before, so that it is in memory. Prints Markdown: seconds, peak
# anonymous memory (looked at every 10 ms, in another run: looking takes a part of a core), and the share of the dump that
# the index takes.
#
# Needs hprof-analyzer (cargo install --locked hprof-analyzer; or HPROF_ANALYZER). Measures the heapdrift of this folder,
# or HEAPDRIFT.
set -euo pipefail
export LC_ALL=C

if [ $# -lt 1 ]; then
    echo "usage: index.sh DUMP..." >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
. "$here/peak.sh"
analyzer=${HPROF_ANALYZER:-$(PATH=$PATH:$HOME/.cargo/bin command -v hprof-analyzer || true)}
if [ -z "$analyzer" ]; then
    echo "index.sh: hprof-analyzer is needed; see the head of this script" >&2
    exit 1
fi
heapdrift=${HEAPDRIFT:-}
if [ -z "$heapdrift" ]; then
    cargo build --release --quiet --manifest-path "$here/../Cargo.toml"
    heapdrift=${CARGO_TARGET_DIR:-$here/../target}/release/heapdrift
fi

# Seconds that a command takes.
seconds() { # COMMAND...
    local start=$EPOCHREALTIME
    "$@" >/dev/null 2>&1
    awk -v start="$start" -v end="$EPOCHREALTIME" 'BEGIN { print end - start }'
}

echo "| dump | GB | hprof-analyzer | MB | heapdrift index | MB | times faster | of its memory | index |"
echo "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
for dump in "$@"; do
    scratch=$(mktemp -d "$(dirname "$dump")/bench.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    cat "$dump" >/dev/null
    build=("$heapdrift" index --quiet --index-dir "$scratch" "$dump")
    analyze=("$analyzer" "$dump" "$scratch/report.json")
    ours=$(seconds "${build[@]}")
    theirs=$(seconds "${analyze[@]}")
    index=$(stat -c %s "$scratch"/*.hdx)
    rm "$scratch"/*.hdx
    memory=$(peak "${build[@]}")
    much=$(peak "${analyze[@]}")
    rm -rf "$scratch"
    awk -v name="$(basename "$dump")" -v bytes="$(stat -c %s "$dump")" -v ours="$ours" -v memory="$memory" \
        -v theirs="$theirs" -v much="$much" -v index_bytes="$index" 'BEGIN {
        printf "| %s | %.2f | %.1f s | %.0f | %.1f s | %.0f | %.1f | %.0f %% | %.0f %% |\n", name, bytes / 1e9, theirs,
            much * 1024 / 1e6, ours, memory * 1024 / 1e6, theirs / ours, 100 * memory / much, 100 * index_bytes / bytes }'
done
