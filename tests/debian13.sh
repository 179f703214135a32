#!/usr/bin/env bash
# tests/debian13.sh - the steps of docker/Dockerfile and docker/Dockerfile.cuda, run in Debian 13 chroots, for machines without
# a Docker engine. Called by `./dev check-debian13`. Needs root, a few GB, and the Debian mirror that this machine uses.
#
#   cpu   packages, build with warnings as errors, unit tests, install, `inspectd serve` answers /healthz, read-only
#   cuda  packages (contrib's libtorch-cuda-dev), build, `inspectd serve` with device.name=auto falls back to the CPU, and
#         device.name=cuda is refused with a clear error
#
# Debian's nvidia-cudnn only fetches NVIDIA's archive when it is installed. Where that cannot be reached, the cuda check
# puts a stand-in in its place: a libcudnn.so.9 whose functions all abort. It lets the loader start the program; no
# convolution can run on it, so it proves the build and the CPU fallback and nothing about a GPU.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

ROOT=${INSPECTD_CHROOTS:-/var/tmp/inspectd-debian13}
STAGES=${*:-cpu cuda}

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
die() {
    printf 'check-debian13: %s\n' "$*" >&2
    exit 1
}

[ "$(id -u)" -eq 0 ] || die "needs root (chroot, mount): sudo ./dev check-debian13"
command -v debootstrap >/dev/null || {
    say "installing debootstrap"
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends debootstrap >&2
}

mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        awk '/^URIs:/ {print $2; exit} /^deb / {for (i = 2; i <= NF; i++) if ($i ~ /^http/) {print $i; exit}}'
}

names() { sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$@"; }

MOUNTED=()
unmount() {
    local place
    for place in "${MOUNTED[@]}"; do umount -l "$place" 2>/dev/null || true; done
}
trap unmount EXIT

in_chroot() { chroot "$CHROOT" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }

prepare() { # name: CHROOT with a base system, /proc, and the committed tree in /src
    CHROOT=$ROOT/$1
    if [ ! -e "$CHROOT/etc/debian_version" ]; then
        say "$1: debootstrap trixie into $CHROOT"
        mkdir -p "$CHROOT"
        debootstrap --variant=minbase trixie "$CHROOT" "$(mirror)" >"$ROOT/$1-debootstrap.log" 2>&1 ||
            die "debootstrap failed: $ROOT/$1-debootstrap.log"
        sed -i 's/ main$/ main contrib/' "$CHROOT/etc/apt/sources.list"
    fi
    mountpoint -q "$CHROOT/proc" || {
        mount -t proc proc "$CHROOT/proc"
        MOUNTED+=("$CHROOT/proc")
    }
    mountpoint -q "$CHROOT/dev" || {
        mount --bind /dev "$CHROOT/dev"
        MOUNTED+=("$CHROOT/dev")
    }
    in_chroot apt-get update -qq
    rm -rf "$CHROOT/src"
    mkdir "$CHROOT/src"
    git archive HEAD | tar -x -C "$CHROOT/src"
}

build_and_install() { # further cmake arguments
    say "$(basename "$CHROOT"): build as the Dockerfile does"
    in_chroot sh -ec "cd /src && cmake --preset ci $* >/tmp/configure.log 2>&1 || { cat /tmp/configure.log; exit 1; }
        cmake --build build/release -j $(nproc) && cmake --install build/release --prefix /usr" >"$ROOT/$(basename "$CHROOT")-build.log" 2>&1 ||
        { tail -n 40 "$ROOT/$(basename "$CHROOT")-build.log" >&2; die "build failed"; }
    in_chroot inspectd version
}

# Starts the installed daemon in the chroot as an unprivileged user, waits for an answer, stops it.
serve_once() { # further serve arguments -> its log on stdout
    local port=18080 log daemon
    log=$ROOT/$(basename "$CHROOT")-serve.log
    rm -rf "$CHROOT/var/tmp/state"
    install -d -o 65534 -g 65534 "$CHROOT/var/tmp/state"
    chroot --userspec=65534:65534 "$CHROOT" /usr/bin/inspectd serve -o storage.state_dir=/var/tmp/state \
        -o "server.listen=127.0.0.1:$port" "$@" >"$log" 2>&1 &
    daemon=$!
    if ! curl -fsS --retry 100 --retry-delay 1 --retry-connrefused --max-time 60 "http://127.0.0.1:$port/healthz" >/dev/null; then
        cat "$log" >&2
        die "the daemon did not answer"
    fi
    kill -TERM "$daemon"
    wait "$daemon" || die "the daemon did not stop cleanly: $log"
    cat "$log"
}

check_cpu() {
    prepare cpu
    say "cpu: packages"
    mapfile -t packages < <(names docker/packages-build.txt docker/packages-run.txt)
    in_chroot apt-get install -y -qq --no-install-recommends "${packages[@]}" check \
        >"$ROOT/cpu-apt.log" 2>&1 || die "packages failed: $ROOT/cpu-apt.log"
    build_and_install -DINSP_TESTS=ON
    # shellcheck disable=SC2016 # dpkg-query's own field syntax
    say "cpu: unit tests with libtorch $(in_chroot dpkg-query -W -f '${Version}' libtorch-dev)"
    in_chroot ctest --test-dir /src/build/release -L unit --output-on-failure >"$ROOT/cpu-ctest.log" 2>&1 ||
        { tail -n 60 "$ROOT/cpu-ctest.log" >&2; die "unit tests failed"; }
    tail -n 4 "$ROOT/cpu-ctest.log"
    say "cpu: serve"
    serve_once
}

stand_in_cudnn() {
    say "cuda: NVIDIA's cuDNN archive cannot be reached from here; a stand-in libcudnn.so.9 whose functions abort takes its place"
    # shellcheck disable=SC2016 # expanded in the chroot
    in_chroot sh -ec '
        nm -D --undefined-only /usr/lib/x86_64-linux-gnu/libtorch_cuda.so | awk "/ cudnn/ {print \$2}" |
            sed "s/@.*//; s/.*/void &(void); void &(void) { abort(); }/" >/tmp/cudnn.c
        cc -shared -fPIC -include stdlib.h -Wl,-soname,libcudnn.so.9 -o /usr/lib/x86_64-linux-gnu/libcudnn.so.9 /tmp/cudnn.c
        ldconfig
        printf "#!/bin/sh\nexit 0\n" >/var/lib/dpkg/info/nvidia-cudnn.postinst
        dpkg --configure -a' >"$ROOT/cuda-standin.log" 2>&1 || die "stand-in failed: $ROOT/cuda-standin.log"
}

check_cuda() {
    prepare cuda
    say "cuda: packages (a few GB)"
    mapfile -t packages < <(names docker/packages-build.txt docker/packages-run.txt | sed 's/^libtorch-dev$/libtorch-cuda-dev/')
    if ! in_chroot apt-get install -y -qq --no-install-recommends "${packages[@]}" \
        >"$ROOT/cuda-apt.log" 2>&1; then
        grep -q 'nvidia-cudnn' "$ROOT/cuda-apt.log" || die "packages failed: $ROOT/cuda-apt.log"
        stand_in_cudnn
    fi
    build_and_install -DINSP_TESTS=OFF
    say "cuda: serve with device.name=auto on a machine without a GPU"
    serve_once -o device.name=auto
    say "cuda: serve with device.name=cuda must be refused"
    if in_chroot inspectd serve -o storage.state_dir=/tmp/refused -o server.listen=127.0.0.1:18081 -o device.name=cuda \
        >"$ROOT/cuda-refused.log" 2>&1; then
        die "a missing CUDA device was accepted"
    fi
    tail -n 3 "$ROOT/cuda-refused.log"
}

for stage in $STAGES; do
    case $stage in
    cpu) check_cpu ;;
    cuda) check_cuda ;;
    *) die "unknown stage $stage (cpu, cuda)" ;;
    esac
done
say "Debian 13: $STAGES passed"
