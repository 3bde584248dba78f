#!/usr/bin/env bash
# Installs the Debian/Ubuntu packages of packaging/apt-packages, and of the lists given as arguments,
# that are missing. Quick when nothing is missing; asks for sudo only when something must be installed
# and the caller is not root.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=()
while read -r package unless command; do
  case "$package" in ''|'#'*) continue;; esac
  if [ "${unless:-}" = unless ] && command -v "$command" >/dev/null 2>&1; then continue; fi
  wanted+=("$package")
done < <(cat packaging/apt-packages "$@")

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "setup: installing ${missing[*]}"
sudo=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: needs root; run as root or install sudo" >&2; exit 3; }
  sudo=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -q
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -q --no-install-recommends "${missing[@]}"
