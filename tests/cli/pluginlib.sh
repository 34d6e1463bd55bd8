# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # variables from and for the scripts around it
# Hosts that plugins come from, and plugins: little scripts that say what they are.

unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY
unset PACKER_GITHUB_API_TOKEN INGOT_GITHUB_API_TOKEN PACKER_PLUGIN_PATH INGOT_PLUGIN_PATH INGOT_PLUGIN_MIRROR
command -v python3 >/dev/null || test_skip_all 'no python3'

host=$test_root/host # what the hosts have
requests_log=$test_root/requests
plugins=$HOME/.config/packer/plugins
mkdir -p "$host/releases" "$host/api" "$host/github"
platform=$(uname -m | sed 's/^x86_64$/amd64/; s/^aarch64$/arm64/; s/^i[3-6]86$/386/; s/^/linux_/')
plugin_zip() { python3 "$SRCDIR/tests/tools/plugin_zip.py" "$@"; }

# start_hosts: releases.hashicorp.com and GitHub are one server here. It ends with this script, even
# if that is killed: then its standard input does.
start_hosts() {
        : >"$requests_log"
        mkfifo "$test_root/hosts.fifo" || return 1
        python3 "$SRCDIR/tests/tools/plugin_server.py" "$host" "$requests_log" "$test_root/hosts.port" \
                <"$test_root/hosts.fifo" >"$test_root/hosts.out" 2>&1 &
        test_keep_pid $!
        tail -f /dev/null --pid=$$ >"$test_root/hosts.fifo" &
        test_keep_pid $!
        test_wait 20 test -s "$test_root/hosts.port" || return 1
        hosts=http://127.0.0.1:$(cat "$test_root/hosts.port")
        INGOT_PLUGIN_RELEASES_URL=$hosts/releases
        INGOT_GITHUB_API_URL=$hosts/api
        INGOT_GITHUB_URL=$hosts/github
        export INGOT_PLUGIN_RELEASES_URL INGOT_GITHUB_API_URL INGOT_GITHUB_URL
}

# asked PATTERN: how many requests there were; forget: none so far.
asked() { grep -c -e "$1" "$requests_log"; }
forget() { : >"$requests_log"; }

# plugin_binary NAME VERSION [API]: a program of that description, on standard output.
plugin_binary() {
        printf '#!/bin/sh\n# %s %s\n' "$1" "$2"
        printf 'echo '"'"'{"version":"%s","sdk_version":"0.6.1","api_version":"%s",' "$2" "${3-x5.0}"
        printf '"builders":["-packer-default-plugin-name-"],"post_processors":[],"provisioners":[],'
        printf '"datasources":[],"protocol_version":"v2"}'"'"'\n'
}

binary_name() { echo "packer-plugin-$1_v$2_x5.0_${3-$platform}"; }

# index NAME VERSION…: which versions the releases host has.
index() {
        index_name=$1
        shift
        {
                printf '{"name":"packer-plugin-%s","versions":{' "$index_name"
                index_comma=
                for index_version; do
                        printf '%s"%s":{"version":"%s"}' "$index_comma" "$index_version" "$index_version"
                        index_comma=,
                done
                printf '}}\n'
        } >"$host/releases/packer-plugin-$index_name/index.json"
}

# on_releases NAME VERSION [SAYS [PROTOCOL]]: a release for two platforms; SAYS is the version that
# its binary tells.
on_releases() {
        release=$host/releases/packer-plugin-$1/$2
        mkdir -p "$release" || return 1
        for release_platform in "$platform" plan9_386; do
                plugin_binary "$1" "${3-$2}" >"$test_root/binary" &&
                        plugin_zip "$release/packer-plugin-$1_$2_$release_platform.zip" \
                                "LICENSE=/dev/null" "$(binary_name "$1" "$2" "$release_platform")=$test_root/binary" ||
                        return 1
        done
        echo "{\"version\":1,\"metadata\":{\"protocol_version\":\"${4-5.0}\"}}" \
                >"$release/packer-plugin-$1_$2_manifest.json"
        sums "$release" "packer-plugin-$1_$2_SHA256SUMS"
}

# sums FOLDER NAME: the checksums of all zips there.
sums() { (cd "$1" && sha256sum ./*.zip | sed 's, \./, ,' >"$2"); }

# tags NAMESPACE NAME VERSION…
tags() {
        tags_dir=$host/api/repos/$1/packer-plugin-$2/git/matching-refs
        shift 2
        mkdir -p "$tags_dir" && {
                printf '['
                tags_comma=
                for tags_version; do
                        printf '%s{"ref":"refs/tags/v%s","object":{}}' "$tags_comma" "$tags_version"
                        tags_comma=,
                done
                printf ']\n'
        } >"$tags_dir/tags"
}

# on_github NAMESPACE NAME VERSION: a release for this platform.
on_github() {
        release=$host/github/$1/packer-plugin-$2/releases/download/v$3
        mkdir -p "$release" && plugin_binary "$2" "$3" >"$test_root/binary" &&
                plugin_zip "$release/$(binary_name "$2" "$3").zip" \
                        "$(binary_name "$2" "$3")=$test_root/binary" &&
                sums "$release" "packer-plugin-$2_v$3_SHA256SUMS"
}

# requires FILE [NAME SOURCE CONSTRAINT]…: a template.
requires() {
        requires_file=$1
        shift
        mkdir -p "$(dirname "$requires_file")"
        {
                printf 'packer {\n  required_plugins {\n'
                while [ $# -ge 3 ]; do
                        printf '    %s = {\n      source  = "%s"\n      version = "%s"\n    }\n' "$1" "$2" "$3"
                        shift 3
                done
                printf '  }\n}\n'
        } >"$requires_file"
}

# What is installed of a source: names of binaries in order, each of which must match its checksum.
installed() {
        for installed_file in "$plugins/$1"/packer-plugin-*; do
                case $installed_file in
                *_SHA256SUM | *'*') continue ;;
                esac
                [ -x "$installed_file" ] &&
                        [ "$(cat "${installed_file}_SHA256SUM")" = "$(sha256sum "$installed_file" | cut -c1-64)" ] ||
                        echo "damaged:"
                basename "$installed_file"
        done
}

# Nothing but finished binaries and checksums: no temporary places, no locks.
nothing_half() {
        half=$(find "$plugins" -name '.ingot*')
        [ -z "$half" ] || { echo "left: $half" && return 1; }
        find "$plugins" -type f ! -name '*_SHA256SUM' | while read -r half; do
                [ "$(cat "${half}_SHA256SUM")" = "$(sha256sum "$half" | cut -c1-64)" ] || {
                        echo "half: $half"
                        exit 1
                }
        done || return 1
        find "$plugins" -name '*_SHA256SUM' | sed 's/_SHA256SUM$//' | while read -r half; do
                [ -f "$half" ] || { echo "alone: $half" && exit 1; }
        done
}
