#!/usr/bin/env bash
# tests/debian13.sh - docker/Dockerfile and docker/Dockerfile.cuda step by step in Debian 13 chroots, for machines without a
# Docker engine. Called by `./dev check-debian13 [cpu|cuda ...]`. Needs root, a few GB, and this machine's Debian mirror.
#
# Each FROM begins a fresh chroot, RUN lines run in it as they stand, COPY copies the committed tree; then the image's CMD is
# started as its USER on a read-only root and must answer /healthz and stop cleanly on SIGTERM.
#   cpu   also builds with warnings as errors and runs the unit tests against Debian 13's libtorch
#   cuda  device.name=auto must fall back to the CPU with a line in the log; device.name=cuda must be refused
#
# Debian's nvidia-cudnn only fetches NVIDIA's archive when it is installed. Where that cannot be reached, a stand-in takes its
# place: a libcudnn.so.9 whose functions all abort. It lets the loader start the program; nothing can be computed with it,
# so it proves the build and the CPU fallback and nothing about a GPU.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

ROOT=${INSPECTD_CHROOTS:-/var/tmp/inspectd-debian13}
PORT=18080

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
die() {
    printf 'check-debian13: %s\n' "$*" >&2
    exit 1
}

[ "$(id -u)" -eq 0 ] || die "needs root (chroot, mount): sudo ./dev check-debian13"
for tool in debootstrap jq curl; do
    command -v $tool >/dev/null && continue
    say "installing $tool"
    apt-get install -y -qq --no-install-recommends $tool >&2
done

MOUNTED=()
attach() { # mount arguments..., the place last
    mount "$@"
    MOUNTED+=("${!#}")
}
detach() {
    local i
    for ((i = ${#MOUNTED[@]} - 1; i >= 0; i--)); do umount -l "${MOUNTED[i]}" 2>/dev/null || true; done
    MOUNTED=()
}
trap detach EXIT

mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        awk '/^URIs:/ {print $2; exit} /^deb / {for (i = 2; i <= NF; i++) if ($i ~ /^http/) {print $i; exit}}'
}

# What debian:trixie-slim is to the Dockerfiles: a minimal system with its sources in debian.sources.
base_system() {
    [ -e "$ROOT/base/etc/apt/sources.list.d/debian.sources" ] && return 0
    say "debootstrap trixie"
    rm -rf "$ROOT/base"
    mkdir -p "$ROOT/base"
    debootstrap --variant=minbase trixie "$ROOT/base" "$(mirror)" >"$ROOT/debootstrap.log" 2>&1 || die "see $ROOT/debootstrap.log"
    rm "$ROOT/base/etc/apt/sources.list"
    printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
        "$(mirror)" >"$ROOT/base/etc/apt/sources.list.d/debian.sources"
}

begin_stage() { # name
    detach
    CHROOT=$ROOT/$1
    rm -rf "$CHROOT"
    cp -a "$ROOT/base" "$CHROOT"
    attach -t proc proc "$CHROOT/proc"
    attach --bind /dev "$CHROOT/dev"
    mkdir -p "$ROOT/archives"
    attach --bind "$ROOT/archives" "$CHROOT/var/cache/apt/archives"
}

in_chroot() {
    chroot "$CHROOT" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

stand_in_cudnn() {
    say "NVIDIA's cuDNN archive cannot be reached from here: a stand-in libcudnn.so.9 whose functions abort takes its place"
    # shellcheck disable=SC2016 # expanded in the chroot
    in_chroot sh -ec '
        printf "#!/bin/sh\nexit 0\n" >/var/lib/dpkg/info/nvidia-cudnn.postinst
        dpkg --configure -a
        apt-get install -y -qq --no-install-recommends gcc libc6-dev binutils
        nm -D --undefined-only /usr/lib/x86_64-linux-gnu/libtorch_cuda.so.2.* | awk "/ cudnn/ {print \$2}" | sort -u |
            sed "s/@.*//; s/.*/void &(void); void &(void) { abort(); }/" >/tmp/cudnn.c
        echo "libcudnn.so.9 { global: *; };" >/tmp/cudnn.map
        cc -shared -fPIC -include stdlib.h -Wl,-soname,libcudnn.so.9 -Wl,--version-script=/tmp/cudnn.map -o /usr/lib/x86_64-linux-gnu/libcudnn.so.9 /tmp/cudnn.c
        ldconfig' >>"$LOG" 2>&1 || { tail -n 20 "$LOG" >&2; die "the stand-in failed"; }
}

run_line() { # a RUN line's command
    if in_chroot sh -c "$1" >>"$LOG" 2>&1; then
        return 0
    fi
    if grep -q 'nvidia-cudnn' <<<"$1$(tail -n 30 "$LOG")" && grep -q 'processing package nvidia-cudnn' "$LOG"; then
        stand_in_cudnn
        return 0
    fi
    tail -n 40 "$LOG" >&2
    die "failed: RUN $1"
}

copy_line() { # arguments of COPY
    local from=$ROOT/context words=() destination
    read -ra words <<<"$1"
    if [[ ${words[0]} == --from=* ]]; then
        from=$ROOT/$NAME-${words[0]#--from=}
        words=("${words[@]:1}")
    fi
    destination=$CHROOT${words[-1]}
    case ${words[-1]} in */) mkdir -p "$destination" ;; *) mkdir -p "$(dirname "$destination")" ;; esac
    unset 'words[-1]'
    local word
    for word in "${words[@]}"; do
        case $word in
        */ | .) mkdir -p "$destination" && cp -a "$from/$word/." "$destination" ;;
        *) cp -a "$from/$word" "$destination" ;;
        esac
    done
}

dockerfile() { # NAME, file
    local line stage
    NAME=$1
    LOG=$ROOT/$NAME.log
    : >"$LOG"
    rm -rf "$ROOT/context"
    mkdir -p "$ROOT/context"
    git archive HEAD | tar -x -C "$ROOT/context"
    while IFS= read -r line; do
        case $line in
        FROM*)
            stage=run
            [[ $line == *" AS "* ]] && stage=${line##* AS }
            say "$NAME: $line"
            begin_stage "$NAME-$stage"
            ;;
        RUN\ *)
            say "$NAME: ${line:0:110}"
            run_line "${line#RUN }"
            ;;
        COPY\ *) copy_line "${line#COPY }" ;;
        USER\ *) IMAGE_USER=${line#USER } ;;
        CMD\ *) mapfile -t COMMAND < <(jq -r '.[]' <<<"${line#CMD }") ;;
        ENTRYPOINT\ *) ENTRYPOINT=$(jq -r '.[0]' <<<"${line#ENTRYPOINT }") ;;
        esac
    done <"$2"
}

# Starts the image's command with further options on a read-only root; it must answer and stop. Its log on stdout.
serve() {
    local log=$ROOT/$NAME-serve.log id daemon
    id=$(in_chroot id -u "$IMAGE_USER")
    attach --bind "$CHROOT" "$CHROOT"
    mount -o remount,ro,bind "$CHROOT"
    attach -t tmpfs tmpfs "$CHROOT/tmp"
    attach -t tmpfs -o "uid=$id,mode=0700" tmpfs "$CHROOT/var/lib/inspectd"
    in_chroot sh -c 'touch /etc/writable' 2>/dev/null && die "the root is not read-only"
    chroot --userspec="$id:$id" "$CHROOT" "$ENTRYPOINT" "${COMMAND[@]}" "$@" >"$log" 2>&1 &
    daemon=$!
    curl -fsS --retry 120 --retry-delay 1 --retry-connrefused --max-time 10 -o /dev/null "http://127.0.0.1:$PORT/healthz" ||
        { cat "$log" >&2; die "the daemon did not answer"; }
    kill -TERM "$daemon"
    wait "$daemon" || { cat "$log" >&2; die "the daemon did not stop cleanly"; }
    cat "$log"
}

check_cpu() {
    dockerfile cpu docker/Dockerfile
    say "cpu: the image's command on a read-only root"
    serve -o "server.listen=127.0.0.1:$PORT"
    say "cpu: warnings as errors and unit tests against Debian 13's libtorch"
    CHROOT=$ROOT/cpu-build
    attach -t proc proc "$CHROOT/proc" # the stage after it took them away
    attach --bind /dev "$CHROOT/dev"
    in_chroot sh -c "apt-get install -y -qq --no-install-recommends check python3 && cmake -S /src -B /tests -G Ninja \
        -DCMAKE_BUILD_TYPE=Release -DINSP_WERROR=ON && cmake --build /tests && ctest --test-dir /tests -L unit --output-on-failure" \
        >>"$LOG" 2>&1 || { tail -n 60 "$LOG" >&2; die "the tests failed"; }
    grep 'tests passed' "$LOG"
}

check_cuda() {
    dockerfile cuda docker/Dockerfile.cuda
    say "cuda: on a machine without a GPU device.name=auto falls back to the CPU"
    serve -o "server.listen=127.0.0.1:$PORT" -o device.name=auto | tee "$ROOT/cuda-auto.log"
    grep -q 'cpu' "$ROOT/cuda-auto.log" || die "no line of the log says that the CPU is used"
    say "cuda: device.name=cuda is refused"
    in_chroot "$ENTRYPOINT" serve -o storage.state_dir=/tmp/refused -o server.listen=127.0.0.1:$PORT -o device.name=cuda \
        >"$ROOT/cuda-refused.log" 2>&1 && die "a CUDA device that is not there was accepted"
    tail -n 2 "$ROOT/cuda-refused.log"
}

base_system
[ $# -gt 0 ] || set -- cpu cuda
for stage in "$@"; do
    case $stage in
    cpu | cuda) "check_$stage" ;;
    *) die "unknown stage $stage (cpu, cuda)" ;;
    esac
done
say "Debian 13: $* passed"
