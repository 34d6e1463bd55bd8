#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154 # templates; set in pluginlib.sh
# Plugins that fail, die, fall silent or talk nonsense, and builds that are interrupted, in each phase
# of each kind of component: one clear error that names the plugin, nothing hangs, nothing is left.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off
. "${0%/*}/pluginlib.sh"
plugins probe probe5

# fault KIND PHASE=ACTION: the template of a whole build of $p with that fault in that component
fault() {
        f_builder='' f_provisioner='' f_postproc='' f_data=''
        eval "f_$1='faults = { ${2%%=*} = \"${2#*=}\" }'"
        template <<EOF
data "@P@-data" "d" {
  text = "of data"
  $f_data
}
source "@P@" "box" {
  label      = "l"
  output_dir = "@DIR@/files"
  files      = 1
  $f_builder
}
build {
  sources = ["@P@.box"]
  provisioner "@P@-provisioner" {
    step {
      do      = "run"
      command = "echo ran"
    }
    step {
      do   = "round"
      path = "@DIR@/stream"
      size = 1000000
    }
    step {
      do   = "upload_dir"
      path = "@DIR@"
      source = "@DIR@/tree"
    }
    step {
      do     = "download_dir"
      path   = "@DIR@/tree"
      source = "@DIR@/down"
    }
    $f_provisioner
  }
  error-cleanup-provisioner "shell-local" {
    inline = ["echo swept"]
  }
  post-processor "@P@-postproc" {
    text = data.@P@-data.d.text
    $f_postproc
  }
}
EOF
}
mkdir tree

# fails WORDS...: the build ends with 1 in good time, says all this, names the plugin, leaves nothing
fails() {
        rm -rf files stream
        timeout -k 1 50 ingot build t.pkr.hcl >out 2>err
        code=$?
        cat out err
        [ $code = 1 ] && [ ! -s err ] || { echo "exit code $code" && return 1; }
        for words; do has "$words" || return 1; done
        # Nobody else knows of the folder that a plugin made, once it is dead.
        [ -z "${dead:-}" ] || rm -rf "$TMPDIR"/probe-machine*
        plugins_clean
}

# once WORDS [TIMES]: the same error is not told again and again
once() { [ "$(grep -c -F -e "$1" out)" -le "${2:-2}" ] || { echo "told too often: $1" && return 1; }; }

# What a plugin does to the phases of its component, and what people see.
dies() {
        file=packer-plugin-${p}_v1.0.0
        dead=dead
        for phase in $2; do
                test_expect_success "$p: $1: $phase: panics" "
                        fault $1 $phase=panic && fails $file 'probe: at $phase' && once 'panic: probe: at $phase'
                "
                test_expect_success "$p: $1: $phase: ends" "
                        fault $1 $phase=exit && fails $file 'probe: at $phase: last words'
                "
        done
}
fails_well() {
        dead=
        for phase in $2; do
                test_expect_success "$p: $1: $phase: says that it failed" "
                        fault $1 $phase=error && fails 'told to fail at $phase' && once 'told to fail at $phase'
                "
        done
}

# The older generation differs in what it says, not in how calls go: fewer phases will do.
for p in probe5 probe; do

if [ $p = probe ]; then
        fails_well builder "prepare run machine connect files artifact start upload download upload_dir download_dir"
        dies builder "prepare run machine connect start upload files artifact"
        fails_well provisioner "prepare provision provisioned"
        dies provisioner "prepare provision provisioned"
        fails_well postproc "prepare process processed"
        dies postproc "prepare process processed"
        fails_well data "prepare execute"
        dies data "prepare execute"
        interrupts="builder:run builder:machine builder:connect builder:start builder:upload builder:files builder:artifact
provisioner:provision provisioner:provisioned postproc:process postproc:processed"
else
        fails_well builder "prepare run files"
        dies builder "prepare upload artifact"
        dies provisioner "provision"
        dies postproc "process"
        dies data "execute"
        interrupts="builder:machine provisioner:provision postproc:process"
fi

dead=dead
test_expect_success "$p: killed" '
        fault builder machine=kill && fails packer-plugin-${p}_v1.0.0 "last words" &&
        fault provisioner provision=kill && fails packer-plugin-${p}_v1.0.0 "last words" &&
        fault postproc process=kill && fails packer-plugin-${p}_v1.0.0 "last words"
'

for how in close garbage huge orphan; do
        test_expect_success "$p: $how: whoever breaks the connection is named" "
                fault builder machine=$how && fails packer-plugin-${p}_v1.0.0 &&
                fault provisioner provision=$how && fails packer-plugin-${p}_v1.0.0 &&
                fault postproc process=$how && fails packer-plugin-${p}_v1.0.0 &&
                fault data execute=$how && fails packer-plugin-${p}_v1.0.0
        "
done

dead=
for how in flood chatter; do
        test_expect_success "$p: $how: does no harm" "
                fault builder machine=$how && build && has 'bytes are the same' &&
                fault provisioner provision=$how && build && has 'bytes are the same' &&
                plugins_clean
        "
done

# ---- interrupts -------------------------------------------------------------------------------

# interrupted KIND PHASE=ACTION: SIGINT when the phase has begun
interrupted() {
        rm -rf begun files stream
        fault "$1" "$2:@DIR@/begun"
        env --default-signal=INT ingot build t.pkr.hcl >out 2>err &
        pid=$!
        test_keep_pid $pid
        test_wait 30 test -e begun && since=$(date +%s) && kill -INT $pid && wait $pid
        code=$?
        cat out err
        [ $code = 1 ] && [ $(($(date +%s) - since)) -le "${seconds:-10}" ] && [ ! -s err ] && plugins_clean
}

for at in $interrupts; do
        test_expect_success "$p: an interrupt in: $at" "
                interrupted ${at%:*} ${at#*:}=hang
        "
done

test_expect_success "$p: an interrupt: the builder cleans up, its answer is waited for" '
        interrupted provisioner provision=hang && has "removing the machine" &&
        has "Cleanly cancelled builds after being interrupted" && test_absent files/file-0
'

test_expect_success "$p: an interrupt: a finished artifact stays" '
        interrupted postproc process=hang && [ -f files/file-0 ]
'

# twice KIND PHASE: deaf to the first interrupt, gone with the second
twice() {
        rm -rf begun
        fault "$1" "$2=deaf:@DIR@/begun"
        env --default-signal=INT ingot build t.pkr.hcl >out 2>err &
        pid=$!
        test_keep_pid $pid
        test_wait 30 test -e begun && kill -INT $pid && test_wait 10 grep -q "Cancelling build" out &&
                kill -INT $pid && since=$(date +%s) && wait $pid
        code=$?
        cat out err
        [ $code = 1 ] && [ $(($(date +%s) - since)) -le 5 ] && rm -rf "$TMPDIR"/probe-machine* &&
                ingot gc && plugins_clean
}
for at in "builder machine" "provisioner provision" "postproc process"; do
        test_expect_success "$p: two interrupts end one that is deaf in: $at" "twice ${at% *} ${at#* }"
done

# ---- what stands around a provisioner ---------------------------------------------------------

around() {
        template <<EOF
source "@P@" "box" {
  label = "l"
}
build {
  sources = ["@P@.box"]
  provisioner "@P@-provisioner" {
    $1
    step {
      do   = "say"
      text = "did it"
    }
  }
  error-cleanup-provisioner "@P@-provisioner" {
    step {
      do   = "say"
      text = "swept"
    }
  }
}
EOF
}

test_expect_success "$p: a time limit ends what listens" '
        around "timeout = \"1s\"
                faults  = { provision = \"hang\" }" &&
        fails "Cancelling provisioner after a timeout" "within its timeout of 1s" swept "removing the machine"
'

test_expect_success "$p: a time limit ends what does not" '
        around "timeout = \"1s\"
                faults  = { provision = \"deaf\" }" &&
        fails "Cancelling provisioner after a timeout" "within its timeout of 1s"
'

test_expect_success "$p: a second try" '
        rm -f mark && around "max_retries = 2
                faults = { provision = \"once:@DIR@/mark\" }" && build && has "told to fail once" && has "did it" &&
        hasnt swept && plugins_clean
'

test_expect_success "$p: a second try after the plugin died" '
        around "max_retries = 1
                faults = { provision = \"exit\" }" && fails "last words" swept &&
        [ "$(grep -c "retrying with" out)" = 1 ]
'

test_expect_success "$p: a second try after a time limit" '
        around "max_retries = 1
                timeout = \"1s\"
                faults  = { provision = \"hang\" }" &&
        fails "Cancelling provisioner after a timeout" && [ "$(grep -c "after a timeout" out)" = 2 ]
'

# ---- -on-error --------------------------------------------------------------------------------

on_error() {
        around 'faults = { provision = "error" }'
        rm -rf "$TMPDIR"/probe-machine*
        test_exit 1 ingot build -on-error="$1" t.pkr.hcl >out 2>err </dev/null
        set -- $?
        cat out err
        [ "$1" = 0 ] && [ ! -s err ]
}

test_expect_success "$p: -on-error=cleanup" '
        on_error cleanup && has swept && has "removing the machine" && plugins_clean &&
        once "Running the cleanup provisioner" 1
'
test_expect_success "$p: -on-error=abort leaves the machine" '
        on_error abort && hasnt swept && hasnt "removing the machine" && ls -d "$TMPDIR"/probe-machine* &&
        rm -r "$TMPDIR"/probe-machine* && plugins_clean
'
test_expect_success "$p: -on-error=run-cleanup-provisioner" '
        on_error run-cleanup-provisioner && has swept && hasnt "removing the machine" &&
        rm -r "$TMPDIR"/probe-machine* && plugins_clean
'

ask() {
        around 'faults = { provision = "once:@DIR@/mark" }'
        rm -f mark
        python3 "$SRCDIR/tests/tools/terminal.py" --out out "[c] Clean up" "$1" -- \
                ingot build -on-error=ask t.pkr.hcl >screen
        code=$?
        cat out screen
        return $code
}
test_expect_success "$p: -on-error=ask: c, a, r" '
        test_exit 1 ask "c\r" && has swept && has "removing the machine" && plugins_clean &&
        once "Step \"StepProvision\" failed" 1 &&
        test_exit 1 ask "a\r" && hasnt "removing the machine" && rm -r "$TMPDIR"/probe-machine* && plugins_clean &&
        ask "r\r" && has "did it" && has "removing the machine" && plugins_clean
'

done

# ---- silence ----------------------------------------------------------------------------------

p=probe
test_expect_success 'a plugin that is there but answers nothing is given up' '
        fault provisioner provision=stop && fails packer-plugin-probe_v1.0.0
'

test_done
