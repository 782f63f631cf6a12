#!/bin/sh
# Writes requirements/*.txt anew from *.in: hashes, no addresses. Uses uv from a throw-away environment.
set -eu
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
python3 -m venv "$tool"
"$tool/bin/pip" install -q uv
for name in build base dev bench; do
    "$tool/bin/uv" pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-header --no-annotate "requirements/$name.in" -o "requirements/$name.txt"
done
