#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the plugins that tests drive, and lays them out as they are installed:
#
#   build.sh OUT_DIR [probe | probe5 | docker]...        all three, if none is named
#
#   OUT_DIR/github.com/ingot/probe/packer-plugin-probe_v1.0.0_x5.0_linux_amd64      SDK 0.6
#   OUT_DIR/github.com/ingot/probe5/packer-plugin-probe5_v1.0.0_x5.0_linux_amd64    SDK 0.5
#   OUT_DIR/github.com/hashicorp/docker/packer-plugin-docker_v1.1.2_x5.0_linux_amd64
#
# with the _SHA256SUM file of each beside it. Binaries are kept under a name that
# follows from their sources, so what is unchanged is only copied. Says nothing if
# all is well; ends with 77 and the reason where it cannot build: no Go, or none
# that is new enough, or modules that are not to be had. The first build takes
# minutes. INGOT_GO is the Go to use, if not the one on PATH.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
shift
[ $# -gt 0 ] || set -- probe probe5 docker

# Tests have a home of their own; the caches of Go are in the user's.
home=$(getent passwd "$(id -u)" | cut -d: -f6)
cache=${INGOT_TEST_CACHE:-/var/tmp/ingot-test-cache-$(id -u)}/plugins
log=$cache/log.$$

cannot() {
        echo "$1"
        exit 77
}

# Go is asked under the user's home, where its settings and caches are.
go_run() { HOME=${home:-$HOME} GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 "$go" "$@"; }

# A distribution's is often too old for today's modules.
find_go() {
        for go in ${INGOT_GO:-go /usr/local/go/bin/go /usr/lib/go/bin/go}; do
                version=$(go_run env GOVERSION 2>"$log") || continue
                version=${version#go1.}
                [ "${version%%[!0-9]*}" -ge 25 ] && return 0
        done
        cannot "no Go 1.25 or newer (go.dev): plugins of the public SDK cannot be built"
}

# build FOLDER MODFILE FILE
build() {
        cd "$here/$1"
        go_run list -modfile="$2" -deps . >/dev/null 2>"$log" ||
                cannot "Go cannot load the modules of $1: $(tail -n 1 "$log")"
        if ! go_run build -modfile="$2" -trimpath -ldflags="-s -w" -o "$3.$$" . >"$log" 2>&1; then
                cat "$log"
                exit 1
        fi
        sha256sum "$3.$$" | cut -d' ' -f1 | tr -d '\n' >"$3.sum"
        mv "$3.$$" "$3"
}

# install NAME SOURCE VERSION FOLDER MODFILE
install() {
        key=$({ cat "$here/$4"/*.go "$here/$4/$5" "$here/$4/${5%.mod}.sum" "$here/build.sh" && echo "$platform"; } |
                sha256sum | cut -c1-16)
        made=$cache/$1-$key
        if [ ! -x "$made" ]; then
                find_go
                (build "$4" "$5" "$made")
                find "$cache" -name "$1-*" ! -name "$1-$key*" -delete
        fi
        to=$out/$2/packer-plugin-$1_v$3_x5.0_$platform
        cmp -s "$made.sum" "${to}_SHA256SUM" && return 0
        mkdir -p "$out/$2"
        cp "$made" "$to"
        cp "$made.sum" "${to}_SHA256SUM"
}

case $(uname -m) in
x86_64) platform=amd64 ;;
aarch64) platform=arm64 ;;
*) platform=$(uname -m) ;;
esac
platform=$(uname -s | tr '[:upper:]' '[:lower:]')_$platform

mkdir -p "$out" "$cache"
trap 'rm -f "$log"' EXIT
# One at a time: two would compile the same packages.
exec 9>"$cache/lock"
flock 9
for name; do
        case $name in
        probe) install probe github.com/ingot/probe 1.0.0 probe go.mod ;;
        probe5) install probe5 github.com/ingot/probe5 1.0.0 probe sdk05.mod ;;
        docker) install docker github.com/hashicorp/docker 1.1.2 docker go.mod ;;
        *) echo "there is no plugin '$name'" && exit 2 ;;
        esac
done
