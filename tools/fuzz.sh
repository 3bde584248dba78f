#!/usr/bin/env bash
# Runs every fuzz target of a fuzz build for some seconds, from its corpus. Usage: tools/fuzz.sh BUILD SECONDS
set -euo pipefail
build=$(realpath "$1")
seconds=${2:-60}
cd "$(dirname "$0")/.."
failed=0
for corpus in fuzz/*/; do
  target=$(basename "$corpus")
  work=$build/corpus/$target
  mkdir -p "$work"
  echo "fuzz: $target for $seconds s"
  # New inputs go to the build tree; a crashing one is kept there and named.
  if ! "$build/src/$target" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 \
      -artifact_prefix="$work-" "$work" "$corpus" >"$work.log" 2>&1; then
    failed=1
    tail -n 30 "$work.log" >&2
    echo "fuzz: $target failed; the input is named above" >&2
  else
    grep -E "stat::(number_of_executed_units|new_units_added)" "$work.log" | sed 's/^/  /'
  fi
done
exit $failed
