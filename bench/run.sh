#!/usr/bin/env bash
# Runs bench/run.py in an environment of its own, build/python-bench: the tests' packages and the peers'.
set -euo pipefail
cd "$(dirname "$0")/.."
env=build/python-bench
wanted=(tests/requirements.txt tests/requirements-bench.txt)
if ! cat "${wanted[@]}" | cmp -s - "$env/.installed"; then
  rm -rf "$env"
  /usr/bin/python3 -m venv "$env"
  "$env/bin/pip" install --quiet --disable-pip-version-check -r "${wanted[0]}" -r "${wanted[1]}"
  cat "${wanted[@]}" > "$env/.installed"
fi
PATH="$PWD/$env/bin:$PATH" exec "$env/bin/python" bench/run.py "$@"
