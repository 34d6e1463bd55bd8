# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# The files of a small Debian with Python, for containers: cast once with mmdebstrap and shared by all
# tests and runs on the host. Source it after dockerd.sh; then there is an image `debian:test`.

command -v mmdebstrap >/dev/null || test_skip_all "mmdebstrap is not installed"

# Of the release that base-image.sh has.
container_cast() {
        mmdebstrap --quiet --variant=minbase --include=python3 \
                --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
                --dpkgopt='path-exclude=/usr/share/man/*' --aptopt='Acquire::Languages "none"' \
                bookworm "$1"
}

container_dir=$INGOT_TEST_CACHE/container-$(sha256sum "$SRCDIR/tests/integration/base-container.sh" | cut -c1-16)
mkdir -p "$container_dir"
(
        flock 9
        [ -e "$container_dir/root.tar" ] && exit 0
        container_cast "$container_dir/part.tar" >"$container_dir/log" 2>&1 &&
                mv "$container_dir/part.tar" "$container_dir/root.tar" && exit 0
        sed 's/^/# /' "$container_dir/log"
        exit 1
) 9>"$container_dir/lock" || {
        echo "Bail out! the files of the container could not be cast"
        exit 1
}
docker import --change 'CMD ["/bin/bash"]' "$container_dir/root.tar" debian:test >/dev/null
