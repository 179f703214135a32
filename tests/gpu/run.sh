#!/usr/bin/env bash
# tests/gpu/run.sh [options] [step...] - proves a GPU machine; run.py --help lists options and steps. Finds the Python that has
# PyTorch and goes on there. Nothing but bash is needed to be told what is missing.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1

for python in "${PYTHON:-}" python3 /usr/bin/python3; do
    if [ -z "$python" ] || ! command -v "$python" >/dev/null; then continue; fi
    if "$python" -c 'import torch' 2>/dev/null; then exec "$python" -B -u tests/gpu/run.py "$@"; fi
    tried+=" $(command -v "$python")"
done
echo "gpu-check: no Python with PyTorch${tried:+ (tried:$tried)}: PYTHON=/path/to/python3 names it" >&2
exit 2
