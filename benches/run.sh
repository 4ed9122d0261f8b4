#!/usr/bin/env bash
# The highest resident memory of memcase itself through a run of many cases, with the two reports that keep most:
# all events, and JUnit's, which is written at the end. The aim is under 60 MiB; docs/performance.md has the figure.
#
#   benches/run.sh [MEMCASE] [CASES]
set -euo pipefail
memcase=$(realpath "${1:-target/release/memcase}")
count=${2:-2000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for n in $(seq 0 $((count - 1))); do
    group=$((n / 100))
    mkdir -p "$folder/cases/group-$group"
    cat >"$folder/cases/group-$group/case-$n.yaml" <<CASE
description: generated case $n
tags: [generated]
target: {language: shell, run: 'true'}
measure: {processes: 3, iterations: 240}
CASE
done
cd "$folder"
"$memcase" run --format terse --inconclusive pass --report json=events.jsonl --report junit=junit.xml >shown 2>&1 &
runner=$!
# The kernel keeps the highest value, so that it is enough to look now and then, and once near the end.
highest=0
while kilobytes=$(awk '/^VmHWM/ { print $2 }' "/proc/$runner/status" 2>/dev/null) && [ -n "$kilobytes" ]; do
    highest=$kilobytes
    sleep 0.05
done
code=0
wait "$runner" || code=$?
echo "$count cases: highest $((highest / 1024)) MiB; $(tail -n 2 shown | head -n 1)"
exit "$code"
