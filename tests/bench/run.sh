#!/usr/bin/env bash
# tests/bench/run.sh BUILD [forward|stages|latency|beside|swaps|ready|store|events|plant|cross_validation|peers ...] - what ./dev bench runs:
# those named, or all but peers, whose packages ./dev bench installs only if it is named.
set -euo pipefail
cd "$(dirname "$0")"
build=$(readlink -f "../../${1:-build/release}")
shift || true
[ $# -gt 0 ] || set -- forward stages latency beside swaps ready store events plant cross_validation
for bench in "$@"; do
    printf '\033[1m== %s\033[0m\n' "$bench"
    case $bench in
    forward) INSP_PARITY_LIB=$build/libinsp_parity.so /usr/bin/python3 bench_forward.py ;;
    stages) /usr/bin/python3 stages.py --inspectd "$build/inspectd" ;;
    latency) /usr/bin/python3 latency.py --inspectd "$build/inspectd" ;;
    beside) /usr/bin/python3 beside.py --inspectd "$build/inspectd" ;;
    swaps) /usr/bin/python3 swaps.py --inspectd "$build/inspectd" ;;
    ready) /usr/bin/python3 ready.py --inspectd "$build/inspectd" ;;
    cross_validation) /usr/bin/python3 cross_validation.py --inspectd "$build/inspectd" ;;
    events) /usr/bin/python3 events.py --inspectd "$build/inspectd" ;;
    plant) /usr/bin/python3 plant.py --build "$build" ;;
    peers) /usr/bin/python3 peers/peers.py --build "$build" ;;
    store) # five million inspections: 3 GB below TMPDIR for a few minutes
        folder=$(mktemp -d)
        # shellcheck disable=SC2064 # the folder of now is meant
        trap "rm -rf '$folder'" EXIT
        "$build/tests/bench/store_rows" "$folder"
        ;;
    *) echo "no bench '$bench' (forward, stages, latency, beside, swaps, ready, store, events, plant, cross_validation, peers)" >&2 && exit 2 ;;
    esac
done
