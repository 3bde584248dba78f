#!/usr/bin/env bash
# Makes the virtual environment of the Python tests (AWS CLI, boto3) in build/python. Quick when it
# is there. AWS CLI from PyPI: Debian's 2.9 does not know AWS_ENDPOINT_URL.
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=build/python/.installed
if [ ! -e "$stamp" ] || ! cmp -s tests/requirements.txt "$stamp"; then
  rm -rf build/python
  /usr/bin/python3 -m venv build/python
  build/python/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
  cp tests/requirements.txt "$stamp"
fi
