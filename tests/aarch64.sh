#!/usr/bin/env bash
# tests/aarch64.sh - cross-compiles inspectd for AArch64 and runs unit tests, those of the kernels by default, under
# qemu-user. Called by `./dev check-aarch64 [NAME of a unit test ...]`. Needs root, 3 GB, and this machine's Debian mirror.
#
# The compiler runs at full speed in a Debian 12 chroot with AArch64's libraries as a foreign architecture; only the tests are
# emulated, some fifty times slower than a processor. It proves results, and says nothing about time. The committed tree (HEAD)
# is tested, not the working tree.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

ROOT=${INSPECTD_AARCH64_CHROOT:-/var/tmp/inspectd-aarch64}
SUBJECTS=(conv_kernel conv_layer conv_cpu train_kernel train_cpu good_kernel team transform)
[ $# -eq 0 ] || SUBJECTS=("$@")

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
die() {
    printf 'check-aarch64: %s\n' "$*" >&2
    exit 1
}

[ "$(id -u)" -eq 0 ] || die "needs root (chroot, mount): sudo ./dev check-aarch64"
command -v debootstrap >/dev/null || apt-get install -y -qq --no-install-recommends debootstrap >&2

mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        awk '/^URIs:/ {print $2; exit} /^deb / {for (i = 2; i <= NF; i++) if ($i ~ /^http/) {print $i; exit}}'
}

in_chroot() {
    chroot "$ROOT" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

logged() { # command...: its output to the log, its last lines to the terminal if it fails
    "$@" >>"$ROOT.log" 2>&1 || { tail -n 40 "$ROOT.log" >&2; die "failed: $* (all of it: $ROOT.log)"; }
}

: >"$ROOT.log"
if [ ! -e "$ROOT/etc/apt/sources.list" ]; then
    say "debootstrap bookworm"
    rm -rf "$ROOT"
    logged debootstrap --variant=minbase bookworm "$ROOT" "$(mirror)"
fi
mount -t proc proc "$ROOT/proc"
trap 'umount -l "$ROOT/proc"' EXIT

# The libraries that the build needs, for AArch64; its tools (compiler, cmake, ninja, pkg-config) for this machine. Aravis and
# libtorch depend on an AArch64 python, which cannot be installed beside this machine's: inspectd-grab is left out, and of
# libtorch the headers and libraries are enough to link inspectd-torch.so.
mapfile -t libraries < <(sed -e 's/#.*//' -e '/-dev$/!d' -e '/torch\|aravis\|libusb/d' -e 's/[[:space:]]//g' -e 's/$/:arm64/' \
    docker/packages-build.txt)
say "packages"
in_chroot dpkg --add-architecture arm64
logged in_chroot apt-get update -qq
logged in_chroot apt-get install -y -qq --no-install-recommends cmake ninja-build pkg-config python3 qemu-user \
    gcc-aarch64-linux-gnu g++-aarch64-linux-gnu check:arm64 \
    libgflags-dev:arm64 libgoogle-glog-dev:arm64 "${libraries[@]}" # the first two: libtorch's headers
# shellcheck disable=SC2016 # expanded in the chroot
logged in_chroot sh -ec 'cd /tmp && apt-get download -q libtorch1.13:arm64 libtorch-dev:arm64
    for package in libtorch*_arm64.deb; do dpkg -x "$package" /; done'

say "cross-compiling"
rm -rf "$ROOT/src"
mkdir -p "$ROOT/src"
git archive HEAD | tar -x -C "$ROOT/src"
cat >"$ROOT/aarch64.cmake" <<'TEXT'
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)
TEXT
logged in_chroot cmake -S /src -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DINSP_WERROR=ON \
    -DCMAKE_TOOLCHAIN_FILE=/aarch64.cmake -DINSP_TESTS=ON
logged in_chroot cmake --build /build --target inspectd inspectd-torch "${SUBJECTS[@]/#/test_}"

say "tests under qemu-user"
for subject in "${SUBJECTS[@]}"; do # not by ctest: its time limits are for a processor
    in_chroot CK_TIMEOUT_MULTIPLIER=50 qemu-aarch64 "/build/tests/unit/test_$subject" || die "test_$subject failed"
done
in_chroot qemu-aarch64 /build/inspectd --version
say "AArch64 passed"
