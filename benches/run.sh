#!/usr/bin/env bash
# Measures heapdrift against other tools, side by side: run.sh DIR [ROUNDS]
#
# DIR holds the dumps of make-dumps.sh. Every command runs ROUNDS times (default 7), all of them once in each round, so
# that whatever else the machine does meets all alike. Prints Markdown: times, then ratios, then memory.
#
# Needs hprof-slurp (cargo install --locked hprof-slurp; or HPROF_SLURP) and pigz. Measures the heapdrift of this
# folder, or HEAPDRIFT.
set -euo pipefail
export LC_ALL=C

if [ $# -lt 1 ] || [ ! -e "$1/small-objects-3g.hprof" ]; then
    echo "usage: run.sh DIR [ROUNDS]   (make-dumps.sh DIR makes the dumps)" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
. "$here/peak.sh"
dir=$(cd "$1" && pwd)
rounds=${2:-7}

slurp=${HPROF_SLURP:-$(PATH=$PATH:$HOME/.cargo/bin command -v hprof-slurp || true)}
pigz=$(command -v pigz || true)
if [ -z "$slurp" ] || [ -z "$pigz" ]; then
    echo "run.sh: hprof-slurp and pigz are needed; see the head of this script" >&2
    exit 1
fi
heapdrift=${HEAPDRIFT:-}
if [ -z "$heapdrift" ]; then
    cargo build --release --quiet --manifest-path "$here/../Cargo.toml"
    heapdrift=${CARGO_TARGET_DIR:-$here/../target}/release/heapdrift
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

segments=$dir/small-objects-3g.hprof
single=$dir/small-objects-3g-single.hprof
shuffled=$dir/small-objects-3g-shuffled.hprof
gz=$dir/small-objects-jvm.hprof.gz

# name | bytes of the uncompressed dump | command
gz_bytes=$("$pigz" -dc "$gz" | wc -c)
cases=(
    "cat|$segments|cat '$segments'"
    "hprof-slurp|$segments|'$slurp' '$segments'"
    "heapdrift histo|$segments|'$heapdrift' histo '$segments'"
    "heapdrift histo, 1 thread|$segments|'$heapdrift' histo --jobs 1 '$segments'"
    "cat, single record|$single|cat '$single'"
    "hprof-slurp, single record|$single|'$slurp' '$single'"
    "heapdrift histo, single record|$single|'$heapdrift' histo '$single'"
    "hprof-slurp, shuffled|$shuffled|'$slurp' '$shuffled'"
    "heapdrift histo, shuffled|$shuffled|'$heapdrift' histo '$shuffled'"
    "heapdrift diff of two|$segments $shuffled|'$heapdrift' diff --shallow '$segments' '$shuffled'"
    "pigz -dc, wc -c|$gz|'$pigz' -dc '$gz' | wc -c"
    "heapdrift histo, gzipped by the JVM|$gz|'$heapdrift' histo '$gz'"
    "heapdrift histo, gzipped, 1 thread|$gz|'$heapdrift' histo --jobs 1 '$gz'"
)

bytes_of() { # FILE...
    local sum=0 file
    for file in "$@"; do
        if [ "$file" = "$gz" ]; then
            sum=$((sum + gz_bytes))
        else
            sum=$((sum + $(stat -c %s "$file")))
        fi
    done
    echo "$sum"
}

# The forms of one heap must give one histogram: else something other than speed is measured.
for file in "$segments" "$single" "$shuffled"; do
    "$heapdrift" histo --quiet --format csv "$file" | md5sum
done | sort -u >"$scratch/histograms"
if [ "$(wc -l <"$scratch/histograms")" != 1 ]; then
    echo "run.sh: the dumps in $dir do not hold the same objects; make them again" >&2
    exit 1
fi

# Time that all cores spent so far, in ticks: at work, and at all.
ticks() {
    local cpu user nice system idle iowait irq softirq steal
    read -r cpu user nice system idle iowait irq softirq steal _ </proc/stat
    local work=$((user + nice + system + irq + softirq + steal))
    echo "$work $((work + idle + iowait))"
}

TIMEFORMAT='%R %U %S'
for ((round = 0; round <= rounds; round++)); do
    [ "$round" -ne 1 ] || before=$(ticks)
    for nth in "${!cases[@]}"; do
        IFS='|' read -r name files command <<<"${cases[$nth]}"
        # Round 0 brings files into memory and is not counted.
        target=$scratch/times.$nth
        [ "$round" -gt 0 ] || target=/dev/null
        { time bash -c "set -o pipefail; $command" >/dev/null 2>"$scratch/stderr"; } 2>>"$target" || {
            echo "run.sh: failed: $command" >&2
            cat "$scratch/stderr" >&2
            exit 1
        }
    done
done

after=$(ticks)

# Best and median of the wall-clock times of a case, and the mean of its CPU times.
best_and_median() { # CASE
    awk '{ print $1, $2 + $3 }' "$scratch/times.$1" | sort -n | awk '
        { wall[NR] = $1; cpu += $2 }
        END { print wall[1], wall[int((NR + 1) / 2)], cpu / NR }'
}

echo "| command | best | median | GB/s (best) | CPU seconds |"
echo "|---|---:|---:|---:|---:|"
for nth in "${!cases[@]}"; do
    IFS='|' read -r name files command <<<"${cases[$nth]}"
    read -r best median cpu < <(best_and_median "$nth")
    # Paths have no blanks: they are the names that make-dumps.sh gives.
    bytes=$(bytes_of $files)
    echo "$name|$best|$median" >>"$scratch/summary"
    awk -v name="$name" -v best="$best" -v median="$median" -v cpu="$cpu" -v bytes="$bytes" 'BEGIN {
        printf "| %s | %.2f s | %.2f s | %.2f | %.2f |\n", name, best, median, bytes / 1e9 / best, cpu }'
done

echo
cat "$scratch"/times.* | awk -v before="$before" -v after="$after" -v hz="$(getconf CLK_TCK)" '
    { own += $2 + $3 }
    END {
        split(before, b, " "); split(after, a, " ")
        printf "Others used %.0f %% of the machine meanwhile.\n", 100 * (a[1] - b[1] - own * hz) / (a[2] - b[2])
    }'

ratio() { # WHAT SLOWER FASTER
    awk -F'|' -v what="$1" -v slow="$2" -v fast="$3" '
        $1 == slow { best = $2; median = $3 }
        $1 == fast { fastest = $2; middle = $3 }
        END { printf "| %s | %.2f | %.2f |\n", what, best / fastest, median / middle }' "$scratch/summary"
}

echo
echo "| ratio | of the best | of the medians |"
echo "|---|---:|---:|"
ratio "heapdrift histo is faster than hprof-slurp, times" "hprof-slurp" "heapdrift histo"
ratio "… single record" "hprof-slurp, single record" "heapdrift histo, single record"
ratio "… shuffled" "hprof-slurp, shuffled" "heapdrift histo, shuffled"
ratio "heapdrift histo takes times as long as cat" "heapdrift histo" "cat"
ratio "… single record" "heapdrift histo, single record" "cat, single record"
ratio "heapdrift histo of a .hprof.gz is faster than pigz -dc, times" "pigz -dc, wc -c" "heapdrift histo, gzipped by the JVM"
ratio "2 threads are faster than 1, times" "heapdrift histo, 1 thread" "heapdrift histo"
ratio "… gzipped" "heapdrift histo, gzipped, 1 thread" "heapdrift histo, gzipped by the JVM"

echo
echo "| peak anonymous memory (largest of 3) | MB |"
echo "|---|---:|"
memory() { # NAME COMMAND...
    local name=$1 largest=0 kib
    shift
    for _ in 1 2 3; do
        kib=$(peak "$@")
        if [ "$kib" -gt "$largest" ]; then
            largest=$kib
        fi
    done
    awk -v name="$name" -v kib="$largest" 'BEGIN { printf "| %s | %.0f |\n", name, kib * 1024 / 1e6 }'
}
memory "heapdrift histo" "$heapdrift" histo "$segments"
memory "heapdrift histo, single record" "$heapdrift" histo "$single"
memory "heapdrift histo, shuffled" "$heapdrift" histo "$shuffled"
memory "heapdrift histo, gzipped by the JVM" "$heapdrift" histo "$gz"
memory "heapdrift diff of two" "$heapdrift" diff --shallow "$segments" "$shuffled"
memory "hprof-slurp" "$slurp" "$segments"
