#!/usr/bin/env bash
# tests/bench/run.sh BUILD [forward|stages|latency ...] - what ./dev bench runs: all of them, or those named.
set -euo pipefail
cd "$(dirname "$0")"
build=$(readlink -f "../../${1:-build/release}")
shift || true
[ $# -gt 0 ] || set -- forward stages latency cross_validation
for bench in "$@"; do
    printf '\033[1m== %s\033[0m\n' "$bench"
    case $bench in
    forward) INSP_PARITY_LIB=$build/libinsp_parity.so /usr/bin/python3 bench_forward.py ;;
    stages) /usr/bin/python3 stages.py --inspectd "$build/inspectd" ;;
    latency) /usr/bin/python3 latency.py --inspectd "$build/inspectd" ;;
    cross_validation) /usr/bin/python3 cross_validation.py --inspectd "$build/inspectd" ;;
    *) echo "no bench '$bench' (forward, stages, latency, cross_validation)" >&2 && exit 2 ;;
    esac
done
