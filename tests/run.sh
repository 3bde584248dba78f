#!/usr/bin/env bash
# `make test`: builds and runs everything. Closes with CTest's summary.
#   asan preset (clang): compiles clean, thread-safety analysis included; unit tests and fuzz corpora
#   under ASan and UBSan; dev preset (g++): every test.
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=$(nproc)
cmake --preset asan >/dev/null
cmake --build --preset asan -- -j"$jobs"
ctest --preset asan -j"$jobs"

tests/python_env.sh
tests/node_env.sh

cmake --preset dev >/dev/null
cmake --build --preset dev -- -j"$jobs"
ctest --preset dev -j"$jobs"
