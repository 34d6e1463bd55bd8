# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Plugins of tests/plugins for a test: plugins NAME... builds and installs them where no other test
# sees them. Source after testlib.sh.

NO_COLOR=1
PACKER_PLUGIN_PATH=${test_root:?}/plugins
export NO_COLOR PACKER_PLUGIN_PATH

plugins() {
        plugins_said=$("${SRCDIR:?}/tests/plugins/build.sh" "$PACKER_PLUGIN_PATH" "$@" 2>&1)
        plugins_code=$?
        [ $plugins_code != 77 ] || test_skip_all "$plugins_said"
        [ $plugins_code = 0 ] && return
        echo "$plugins_said" | sed 's/^/# /'
        echo "not ok 1 - the plugins compile"
        echo "1..1"
        exit 1
}

# No plugin that was started under this home is there any more, nor anything else (test_clean).
plugins_clean() {
        for plugins_env in $(grep -lsz "^PACKER_PLUGIN_MAGIC_COOKIE=" /proc/[0-9]*/environ); do
                if grep -qsz "^HOME=$HOME\$" "$plugins_env" &&
                        test_runs "$(echo "$plugins_env" | tr -dc 0-9)"; then
                        echo "left running: $plugins_env: $(tr "\0" " " <"${plugins_env%environ}cmdline")"
                        kill -9 "$(echo "$plugins_env" | tr -dc 0-9)" # the next test is not to blame
                        return 1
                fi
        done
        test_clean
}

# has TEXT: the file out has this line, or part of one, however it is wrapped.
has() {
        grep -qF -e "$1" out && return 0
        tr "\n" " " <out | grep -qF -e "$1" && return 0
        echo "never said: $1"
        return 1
}

hasnt() {
        grep -F -e "$1" out || return 0
        echo "said: $1"
        return 1
}

# template <HCL, in which @P@ stands for the plugin $p and $dir for a folder of this test
template() { sed "s|@P@|${p:?}|g; s|@DIR@|$PWD|g" >t.pkr.hcl; }

# build [ARGUMENTS]... of t.pkr.hcl; what it says is in the file out.
build() {
        ingot build "$@" t.pkr.hcl >out 2>err
        set -- $?
        cat out err
        [ -s err ] && return 99
        return "$1"
}
