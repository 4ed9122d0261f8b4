#!/usr/bin/env bash
# How long memcase takes to read 2,000 case files, filter them, take one part and list it, as the whole
# command from its start to its end. The aim is under 100 ms, with a release build; docs/performance.md has
# the figure.
#
#   benches/selection.sh [MEMCASE] [RUNS]
set -euo pipefail
memcase=$(realpath "${1:-target/release/memcase}")
runs=${2:-21}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
languages=(python node ruby perl shell)
tags=(slow quick pandas network)
for n in $(seq 0 1999); do
    group=$((n / 100))
    mkdir -p "$folder/cases/group-$group"
    cat >"$folder/cases/group-$group/case-$n.yaml" <<CASE
description: generated case $n
source: example/project#$n
tags: [${tags[n % 4]}, generated]
target:
  language: ${languages[n % 5]}
  setup: |
    kept = []
  run: |
    kept.append($n)
limits: {timeout: 30 s}
measure: {processes: 3, iterations: 500}
CASE
done
cd "$folder"
for _ in $(seq "$runs"); do
    start=$(date +%s%N)
    "$memcase" list --format terse -E 'tag(quick) & !lang(node)' --partition hash:1/4 >listed
    end=$(date +%s%N)
    echo $(((end - start) / 1000))
done | sort -n >times
echo "$(wc -l <listed) of 2000 cases; least $(head -n 1 times) us," \
    "median $(sed -n "$((runs / 2 + 1))p" times) us of $runs runs"
