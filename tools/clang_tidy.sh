#!/usr/bin/env bash
# Runs clang-tidy over the product code of a tidy build. Usage: tools/clang_tidy.sh BUILD
set -euo pipefail
build=$(realpath "$1")
cd "$(dirname "$0")/.."
git ls-files 'src/*.cc' 'programs/*.cc' | grep -vE '_(test|bench|fuzz)\.cc$' |
  xargs -P "$(nproc)" -n 1 clang-tidy-19 -p "$build" --quiet --warnings-as-errors='*' 2>/dev/null
echo "clang-tidy: clean"
