#!/bin/sh
# docker/runtime-packages.sh PROGRAM... - prints the Debian packages whose shared libraries the programs load, one per line. It asks
# dpkg, because the names of library packages differ between releases (libmicrohttpd12, libmicrohttpd12t64).
set -eu
ldd "$@" | awk '$3 ~ /^\// {print $3}' | while read -r library; do
    real=$(readlink -f "$library")
    # /lib is a link to /usr/lib, and dpkg may know a file under either name.
    dpkg-query -S "$real" 2>/dev/null || dpkg-query -S "${real#/usr}" 2>/dev/null || dpkg-query -S "$library" 2>/dev/null || {
        echo "$0: no package owns $library" >&2
        exit 1
    }
done | grep -v '^diversion ' | sed -e 's/:.*//' | sort -u
