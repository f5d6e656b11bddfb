#!/usr/bin/env bash
# Compiles the programs: compile.sh JDK17_HOME JDK25_HOME OUTPUT_DIR
# Each source folder is named after the oldest Java that runs what is in it.
set -euo pipefail

jdk17=$1
jdk25=$2
out=$3
here=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$out"
# Inline string concatenation: the default goes through method handles and fills every dump with their classes.
options=(-encoding UTF-8 -XDstringConcat=inline -cp "$out" -d "$out")
"$jdk17/bin/javac" --release 11 "${options[@]}" $(find "$here/java11" -name '*.java')
"$jdk17/bin/javac" --release 17 "${options[@]}" $(find "$here/java17" -name '*.java')
"$jdk25/bin/javac" --release 21 "${options[@]}" $(find "$here/java21" -name '*.java')
