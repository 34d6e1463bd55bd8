#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Which machine 'attach' means, from the records of runs alone: what it says when there is none.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

export NO_COLOR=1
records=$HOME/.local/state/ingot/records

# record SECOND ID RESULT ARGUMENTS BUILDS: one that a run left, a second later each.
record() {
        mkdir -p "$records/20260102T0304$1.000000Z-$2" &&
                echo "{\"id\": \"$2\", \"start\": \"2026-01-02T03:04:$1Z\", \"seconds\": 1.5, \"result\": \"$3\",
                        \"arguments\": [$4], \"builds\": [$5]}" >"$records/20260102T0304$1.000000Z-$2/run.json"
}
# failed NAME KEY
failed() {
        echo "{\"name\": \"$1\", \"status\": \"failed\", \"failed_step\": 2, \"checkpoint\": \"$2\",
                \"error\": {\"message\": \"it broke\"}, \"steps\": [{\"name\": \"shell\", \"ok\": true},
                {\"name\": \"shell harden\", \"ok\": false}]}"
}
# shellcheck disable=SC2034 # in the texts of tests
key=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff

test_expect_success 'nothing on record' '
        bad attach && grep "nothing to attach to: no run on record" out && grep "qemu" out &&
        ingot attach -list >out && grep -x "There is nothing to attach to." out &&
        bad attach abc && grep "there is no record of a run .abc." out'

test_expect_success 'wrong usage' '
        bad attach a b && grep "one run at a time: .b. is too many" out &&
        bad attach -step=-1 && grep "counted from 1" out &&
        bad attach -list a && grep "takes no run" out && bad attach -list -- true && grep "takes no run" out'

test_expect_success 'runs that kept no machine' '
        record 01 aaaaaaaa-0000-0000-0000-000000000000 succeeded "" "{\"name\": \"n.a\", \"status\": \"succeeded\"}" &&
        record 02 bbbbbbbb-0000-0000-0000-000000000000 failed "\"-on-error=abort\"" "{\"name\": \"n.b\"}" &&
        record 03 cccccccc-0000-0000-0000-000000000000 cancelled "" "{\"name\": \"n.c\"}" &&
        bad attach aaa && grep "run aaaaaaaa-.* succeeded$" out && ! grep on-error out &&
        bad attach bbb && grep "run bbbbbbbb-.* kept no machine$" out && grep "no-cache" out &&
        grep "what -on-error left of it may still be there: .ingot runs show bbbbbbbb-" out &&
        bad attach ccc && grep "run cccccccc-.* was cancelled$" out && bad attach && grep "no run on record" out'

test_expect_success 'a machine that was removed' '
        record 04 dddddddd-0000-0000-0000-000000000000 failed "" "$(failed q.one $key)" &&
        bad attach && grep "the kept machine is no longer there" out && grep INGOT_CACHE_SIZE out &&
        bad attach ddd -step=1 && grep "the machine before step 1 is not kept" out &&
        ingot attach -list >out && grep -x "There is nothing to attach to." out'

test_expect_success 'several builds failed' '
        record 05 eeeeeeee-0000-0000-0000-000000000000 failed "" "$(failed q.one $key), $(failed q.two $key)" &&
        bad attach && grep "several builds of run eeeeeeee-.* failed" out &&
        grep "choose one: -build=q.one, -build=q.two" out &&
        bad attach -build=q.three e && grep "kept no machine of a build .q.three." out &&
        grep "there is -build=q.one, -build=q.two" out &&
        bad attach -build=q.two && grep "the kept machine is no longer there" out'

test_expect_success 'a run in progress' '
        write_file t.pkr.hcl <<-\EOT &&
	source "null" "l" {
	  communicator = "none"
	}
	build {
	  sources = ["null.l"]
	  provisioner "shell-local" {
	    inline = ["echo $$ >pid", "exec sleep 1000"]
	  }
	}
	EOT
        { ingot build t.pkr.hcl >long 2>&1 & } && pid=$! && test_keep_pid $pid && test_wait 20 test -s pid &&
        id=$(ls "$records" | tail -n 1 | cut -d- -f2-) && test_exit 1 ingot attach "$id" >out && cat out &&
        grep "run $id is still in progress" out && kill $pid && { wait $pid || true; }'

test_done
