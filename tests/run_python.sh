#!/usr/bin/env bash
# Runs a Python script of the project in its test environment.
set -euo pipefail
cd "$(dirname "$0")/.."
tests/python_env.sh
exec build/python/bin/python "$@"
