#!/usr/bin/env bash
# Writes constraints.txt from what is installed in .venv, the versions that the tests passed with, and
# requirements.lock with their hashes.
set -euo pipefail
cd "$(dirname "$0")/.."
{
    echo "# Every version that the tests passed with; written by scripts/pin.sh. torch has no local"
    echo "# suffix, so that each platform takes its own build of the version."
    .venv/bin/pip freeze --exclude-editable 2>/dev/null | grep -v ' @ ' | sed 's/+cpu$//'
} > constraints.txt
.venv/bin/python scripts/lock.py
