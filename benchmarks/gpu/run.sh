#!/usr/bin/env bash
# Measure on this machine's GPU: ./run.sh [--only MODEL] [--minutes N] [--quick] [--device cpu]
# What it needs, and what to do with the file that it writes, is in README.md.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cd "$here/sources"

python="${PYTHON:-python3}"
export PYTHONPATH="$here/sources/site:$here/sources:$here/sources/MedAISeg"
export MEDAISEG_HOME="$here/home" MEDAISEG_TEST_DATA="$here/data" PYTHONUNBUFFERED=1

"$python" -m benchmarks.gpu.machine "$here/data/cases.txt" "$@"
exec "$python" -m benchmarks.gpu run --data "$here/data" --output "$here/gpu-results.json" "$@"
