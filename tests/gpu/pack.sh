#!/usr/bin/env bash
# tests/gpu/pack.sh [FOLDER] - makes the folder that travels with the sources to a GPU machine without a network; called by
# ./dev gpu-pack. Default: build/gpu-pack. Needs Debian 12 on x86-64 and a Debian mirror; installs nothing but patchelf.
#   prefix.tar.gz   Debian 12's packages of packages.txt and their dependencies, unpacked: headers, libraries, CMake, ninja
#   uplot/          the dashboard's chart library
#   cubes/          a set of images, where one lies at ../shared/data/cubes or INSP_CUBES names it
#   CONTENTS        versions of the packages
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

PACK=$(realpath -m "${1:-build/gpu-pack}")
MAX_MIB=60
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
die() {
    printf 'gpu-pack: %s\n' "$*" >&2
    exit 1
}

[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || die "needs Debian on x86-64: the libraries are its packages"
command -v patchelf >/dev/null || die "patchelf is missing: apt-get install patchelf"

# The C library, the compiler's libraries and what installs or configures a system come with every machine.
IN_EVERY_SYSTEM='^(libc6|libc6-dev|libc-dev-bin|libc-dev|linux-libc-dev|libcrypt.*|rpcsvc-proto|libnsl.*|libtirpc.*|libgcc-s1|libstdc\+\+.*|gcc-.*|cpp.*|.*-base|perl.*|libperl.*|.*-perl|libgdbm.*|usrmerge|usr-is-merged|init-system-helpers|libelogind.*|debconf.*|cdebconf|dpkg.*|tar|sensible-utils|mawk|gawk|original-awk|procps|libproc2.*|libncurses.*|libtinfo.*|ucf|sed|coreutils|debianutils|install-info|libgnutls-dane0|libgnutls-openssl27|libgnutlsxx30|libunbound8|libevent-.*|libprotobuf.*)$'

closure() { # packages, one a line -> them and what they depend on
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@" |
        grep -E '^[a-z0-9]' | sed 's/:.*//' | sort -u | grep -vE "$IN_EVERY_SYSTEM"
}

fetch_packages() {
    local names
    mapfile -t names < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' tests/gpu/packages.txt)
    mapfile -t names < <(closure "${names[@]}")
    say "fetching ${#names[@]} packages"
    mkdir "$WORK/debs"
    (cd "$WORK/debs" && apt-get download -qq "${names[@]}" >&2) || die "apt-get download failed: run apt-get update first"
}

unpack_packages() {
    local deb prefix=$WORK/prefix
    for deb in "$WORK"/debs/*.deb; do dpkg-deb -x "$deb" "$prefix"; done
    for deb in "$WORK"/debs/*.deb; do dpkg-deb -W "$deb"; done >"$PACK/CONTENTS"
    cp -a "$prefix"/lib/x86_64-linux-gnu/. "$prefix/usr/lib/x86_64-linux-gnu/" 2>/dev/null || true
    # A compiler of another system does not look into Debian's folder of multiarch headers.
    cp -a "$prefix"/usr/include/x86_64-linux-gnu/. "$prefix/usr/include/"
    (
        cd "$prefix"
        rm -rf lib lib64 etc var sbin usr/sbin usr/share/doc usr/share/man usr/share/info usr/share/locale usr/share/lintian \
            usr/share/bug usr/share/bash-completion usr/share/emacs usr/share/vim usr/share/zsh usr/include/x86_64-linux-gnu \
            usr/share/cmake-3.25/Help usr/lib/systemd usr/share/icu usr/lib/python3* usr/share/python3*
        find . -name '*.a' ! -name 'libcheck*.a' ! -name 'libsubunit*.a' -delete
        find usr/bin -mindepth 1 ! -name cmake ! -name ctest ! -name ninja ! -name pkgconf -delete
    )
    ln -s . "$prefix/usr/include/x86_64-linux-gnu" # libcurl's pkg-config file names it
    ln -s pkgconf "$prefix/usr/bin/pkg-config"
}

# Each library finds the others beside itself, wherever the prefix lies; links that led to /lib lead beside it now.
make_relocatable() {
    local lib=$WORK/prefix/usr/lib/x86_64-linux-gnu file target
    find "$lib" -maxdepth 1 -type l | while read -r file; do
        target=$(readlink "$file")
        case $target in /*) ln -sf "$(basename "$target")" "$file" ;; esac
    done
    find "$lib" -maxdepth 1 -type f -name '*.so*' | while read -r file; do
        # shellcheck disable=SC2016 # $ORIGIN is the loader's
        patchelf --force-rpath --set-rpath '$ORIGIN' "$file" || die "patchelf failed on $file"
    done
    for file in cmake ctest pkgconf; do
        # shellcheck disable=SC2016
        patchelf --force-rpath --set-rpath '$ORIGIN/../lib/x86_64-linux-gnu' "$WORK/prefix/usr/bin/$file"
    done
}

# Whatever a library needs is in the prefix or in every system.
check_complete() {
    local lib=$WORK/prefix/usr/lib/x86_64-linux-gnu file need missing=
    while read -r file; do
        for need in $(patchelf --print-needed "$file"); do
            [ -e "$lib/$need" ] && continue
            case $need in
            libc.so.6 | libm.so.6 | libdl.so.2 | libpthread.so.0 | librt.so.1 | libresolv.so.2 | ld-linux-x86-64.so.2 | libgcc_s.so.1 | libstdc++.so.6) ;;
            *) missing+=" $need (of $(basename "$file"))" ;;
            esac
        done
    done < <(find "$lib" -maxdepth 1 -type f -name '*.so*'; find "$WORK/prefix/usr/bin" -type f)
    [ -z "$missing" ] || die "the prefix lacks:$missing"
}

add_uplot() {
    local version sum url
    version=$(sed -n 's/^set(INSP_UPLOT_VERSION \(.*\))/\1/p' cmake/InspUplot.cmake)
    sum=$(sed -n 's/^ *"\([0-9a-f]\{128\}\)")/\1/p' cmake/InspUplot.cmake)
    url=${NPM_CONFIG_REGISTRY:-https://registry.npmjs.org}
    url=${url%/}/uplot/-/uplot-$version.tgz
    mkdir -p "$WORK/uplot"
    python3 - "$url" "$WORK/uplot.tgz" <<'PY' || die "cannot fetch $url"
import ssl, sys, urllib.request
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the checksum below decides
open(sys.argv[2], "wb").write(urllib.request.urlopen(sys.argv[1], timeout=60, context=context).read())
PY
    echo "$sum  $WORK/uplot.tgz" | sha512sum --quiet --check || die "uPlot's checksum is not the one in cmake/InspUplot.cmake"
    tar -xzf "$WORK/uplot.tgz" -C "$WORK/uplot"
    mkdir -p "$PACK/uplot"
    cp "$WORK"/uplot/package/dist/uPlot.esm.js "$WORK"/uplot/package/dist/uPlot.min.css "$WORK"/uplot/package/LICENSE "$PACK/uplot/"
}

add_cubes() {
    local folder
    for folder in "${INSP_CUBES:-}" ../shared/data/cubes ../../shared/data/cubes; do
        if [ -n "$folder" ] && [ -d "$folder/train/good" ]; then
            cp -r --no-preserve=mode,ownership "$folder" "$PACK/cubes"
            return 0
        fi
    done
    say "no cubes (INSP_CUBES=FOLDER names them): the check will draw a demo set in their place"
}

rm -rf "$PACK"
mkdir -p "$PACK"
fetch_packages
unpack_packages
make_relocatable
check_complete
tar -C "$WORK/prefix" -czf "$PACK/prefix.tar.gz" --owner=0 --group=0 usr
add_uplot
add_cubes
mib=$(($(du -sk "$PACK" | cut -f1) / 1024 + 1))
[ "$mib" -lt $MAX_MIB ] || die "$PACK has $mib MiB: above $MAX_MIB it does not travel"
say "$PACK: $mib MiB. On the GPU machine: tests/gpu/run.sh --pack ${PACK#"$PWD"/}"
