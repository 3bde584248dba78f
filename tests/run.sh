#!/usr/bin/env bash
# `make test`: builds and runs everything. Closes with CTest's summary.
#   dev preset (g++): every test; asan preset: unit tests and fuzz corpora under ASan and UBSan;
#   tidy preset (clang): must compile clean, thread-safety analysis included.
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=$(nproc)
cmake --preset tidy >/dev/null
cmake --build --preset tidy -- -j"$jobs"

cmake --preset asan >/dev/null
cmake --build --preset asan -- -j"$jobs"
ctest --preset asan -j"$jobs"

tests/python_env.sh
tests/node_env.sh

cmake --preset dev >/dev/null
cmake --build --preset dev -- -j"$jobs"
ctest --preset dev -j"$jobs"
