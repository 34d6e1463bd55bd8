#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The record that each run leaves: what is in it, and how it goes away again.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

export NO_COLOR=1
records=$HOME/.local/state/ingot/records

count() { find "$records" -mindepth 1 -maxdepth 1 | wc -l; }
newest() { find "$records" -mindepth 1 -maxdepth 1 | sort | tail -n 1; }
id_of() { basename "$1" | cut -d- -f2-; }

write_file t.pkr.hcl <<-\EOF
	variable "pw" {
	  sensitive = true
	  default   = "HUNTER0"
	}
	variable "code" {
	  default = "0"
	}
	source "null" "one" {
	  communicator = "none"
	}
	source "file" "two" {
	  content = "x"
	  target  = "out-${var.pw}.txt"
	}
	build {
	  sources = ["null.one", "file.two"]
	  provisioner "shell-local" {
	    only   = ["null.one"]
	    inline = ["echo hello ${var.pw}", "exit ${var.code}"]
	  }
	}
	EOF
write_file long.pkr.hcl <<-\EOF
	source "null" "l" {
	  communicator = "none"
	}
	build {
	  sources = ["null.l"]
	  provisioner "shell-local" {
	    inline = ["echo $$ >pid", "sleep 1000"]
	  }
	}
	EOF

# Starts long.pkr.hcl; its process is $pid, the record's folder is named in the file running.
start_long() {
        rm -f pid && { ingot build long.pkr.hcl >long & } && pid=$! && test_keep_pid $pid &&
                test_wait 20 test -s pid && child=$(cat pid) && test_keep_pid "$child" && newest >running
}
kill_long() { kill -9 $pid "$child" && { wait $pid || true; } && ingot gc; }

test_expect_success 'no runs yet' '
        ingot validate t.pkr.hcl && ingot inspect t.pkr.hcl && test_absent "$records" &&
        ingot runs >out && grep "^No runs are on record.$" out && test "$(ingot runs -json)" = "[]" &&
        test_exit 1 ingot runs show >out && grep "^No runs are on record.$" out &&
        ingot runs rm -all >out && grep "^Removed 0 records.$" out
'

test_expect_success 'events are what -json prints, private, and without secrets' '
        ingot build -json -force -var pw=HUNTER1 -var=code=0 t.pkr.hcl >out && [ "$(count)" = 1 ] &&
        cmp out "$(newest)/events.jsonl" && ! grep -r HUNTER "$records" &&
        [ -z "$(find "$records" -type d ! -perm 0700 -o -type f ! -perm 0600)" ]
'

test_expect_success 'run.json: what was run and how it went' '
        jq -e ".result == \"succeeded\" and .seconds > 0 and .start <= .end and .version == \"0.1.0\"" "$(newest)/run.json" &&
        jq -e ".template == \"$PWD/t.pkr.hcl\" and .directory == \"$PWD\"" "$(newest)/run.json" &&
        jq -e ".arguments == [\"-json\", \"-force\", \"-var\", \"pw=<sensitive>\", \"-var=code=0\", \"t.pkr.hcl\"]" "$(newest)/run.json" &&
        jq -e "[.builds[] | .name, .status] == [\"null.one\", \"succeeded\", \"file.two\", \"succeeded\"]" "$(newest)/run.json" &&
        jq -e ".builds[0].steps | map(.name) == [\"start\", \"shell-local\", \"finish\"] and all(.ok and .seconds >= 0)" "$(newest)/run.json" &&
        jq -e ".builds[1].artifacts == [{builder_id: \"packer.file\", id: \"File\", text: \"Stored file: out-<sensitive>.txt\", files: [\"out-<sensitive>.txt\"]}]" "$(newest)/run.json"
'

test_expect_success 'a failed run: the error and what helps to understand it' '
        test_exit 1 ingot build -force -var code=7 t.pkr.hcl >out && first=$(id_of "$(newest)") &&
        ingot runs show >out && cat out && grep "^Run $first$" out &&
        grep "^  result     failed after " out && grep "^  template   $PWD/t.pkr.hcl$" out &&
        grep "^  command    ingot build -force -var code=7 t.pkr.hcl$" out &&
        grep "^Build .null.one. failed after " out && grep -E "^ +[0-9.]+m?s  shell-local \(failed\)$" out &&
        grep "^  Error: Script exited with non-zero exit status: 7" out && grep "^    hello <sensitive>$" out &&
        grep "^    the provisioner is at t.pkr.hcl:17$" out && grep "^  --> Stored file: out-<sensitive>.txt$" out
'

test_expect_success 'a broken template: its mistakes, and no value of which nobody knows if it is secret' '
        echo "nonsense {" >bad.pkr.hcl &&
        test_exit 1 ingot build -var pw=HUNTER2 --var=x=HUNTER3 bad.pkr.hcl >out &&
        test_exit 1 ingot build -var nosuch=HUNTER4 t.pkr.hcl >out && ! grep -r HUNTER "$records" &&
        id=$(ingot runs -json | jq -r ".[1].id") && ingot runs show "$id" >out && cat out &&
        grep "result     failed" out && grep "bad.pkr.hcl line 1" out &&
        grep -F "ingot build -var '\''pw=<sensitive>'\'' '\''--var=x=<sensitive>'\'' bad.pkr.hcl" out
'

test_expect_success 'the list: newest first' '
        ingot runs >out && cat out && [ "$(sed 1d out | wc -l)" = 4 ] &&
        sed -n 4p out | grep -E "^$(echo "$first" | cut -c1-8)  [0-9-]{10} [0-9:]{8}  failed +[0-9.]+m?s  $PWD/t.pkr.hcl$" &&
        sed -n 5p out | grep " succeeded " &&
        ingot runs -json | jq -e "length == 4 and .[2].id == \"$first\" and .[2].result == \"failed\" and (.[2] | has(\"builds\") | not)"
'

test_expect_success 'a run is named by the beginning of its id' '
        ingot runs show "$(echo "$first" | cut -c1-8)" -json >out && jq -e ".id == \"$first\" and (.builds | length) == 2" out &&
        cp -R "$(newest)" "$records/20200101T000000.000000Z-$(echo "$first" | tr 0-9a-f 1-9a-f0 | sed "s/^...../$(echo "$first" | cut -c1-5)/")" &&
        test_exit 1 ingot runs show "$(echo "$first" | cut -c1-4)" >out && grep "several runs begin with" out &&
        test_exit 1 ingot runs show nosuch >out && grep "there is no record of a run .nosuch." out &&
        test_exit 1 ingot runs show "" && test_exit 1 ingot runs rm nosuch "$first" && ingot runs show "$first"
'

test_expect_success 'wrong use' '
        for words in "rm" "rm -all x" "-all" "show a b" "list"; do
                test_exit 1 ingot runs $words >out && grep "^Usage: ingot runs" out || return 1
        done
'

test_expect_success 'rm, one and all' '
        ingot runs rm "$first" && test_exit 1 ingot runs show "$first" && [ "$(count)" = 4 ] &&
        mkdir "$records/not-ours" && ingot runs rm -all >out && grep "^Removed 4 records.$" out &&
        [ "$(count)" = 1 ] && rmdir "$records/not-ours"
'

test_expect_success 'only the newest are kept, of old runs and of new ones' '
        for i in 1 2 3 4; do ingot build -force t.pkr.hcl >out || return 1; done && [ "$(count)" = 4 ] && last=$(newest) &&
        INGOT_RUNS_KEEP=2 ingot build -force t.pkr.hcl >out && [ "$(count)" = 2 ] && [ -d "$last" ] &&
        INGOT_RUNS_KEEP=1 ingot gc >out && grep "^Removed 1 records of old runs$" out && test_absent "$last" &&
        INGOT_RUNS_KEEP=0 ingot build -force t.pkr.hcl >out && ! grep warning out && [ "$(count)" = 0 ] &&
        INGOT_RUNS_KEEP=few ingot build -force t.pkr.hcl >out && [ "$(count)" = 1 ] &&
        grep "warning: INGOT_RUNS_KEEP is .few., not a number of runs to keep" out
'

test_expect_success 'they take 200 MiB at most' '
        old=$(newest) && mkdir -p "$old/evidence/null.one" && truncate -s 100M "$old/evidence/null.one/console.log" &&
        ingot build -force t.pkr.hcl && big=$(newest) && truncate -s 110M "$big/events.jsonl" && [ -d "$old" ] &&
        ingot build -force t.pkr.hcl && test_absent "$old" && [ -d "$big" ] && [ "$(count)" = 2 ]
'

test_expect_success 'a run in progress is shown and never removed' '
        start_long && ingot runs >out && cat out && sed -n 2p out | grep " running .* $PWD/long.pkr.hcl$" &&
        ingot runs show >out && cat out && grep "^  result     running after " out &&
        grep "^ *shell-local (not ended)$" out &&
        test_exit 1 ingot runs rm "$(id_of "$(cat running)")" >out && grep "is in progress" out &&
        ingot runs rm -all >out && grep "^Kept those of runs in progress: 1.$" out &&
        for i in 1 2; do INGOT_RUNS_KEEP=1 ingot build -force t.pkr.hcl >out || return 1; done &&
        [ -d "$(cat running)" ] && [ "$(count)" = 1 ]
'

test_expect_success 'after kill -9 it is one that was interrupted' '
        kill_long && ingot runs show >out && cat out && grep "^  result     interrupted after " out &&
        grep "^Build .null.l. interrupted$" out && grep "long.pkr.hcl$" out &&
        : >"$(cat running)/run.json" && ingot runs >out && grep " interrupted .* -$" out &&
        ingot runs rm "$(id_of "$(cat running)")" && test_absent "$(cat running)"
'

test_expect_success 'after an interrupt it is one that was cancelled' '
        start_long && kill -INT $pid && test_exit 1 wait $pid &&
        ingot runs show -json >out && jq -e ".result == \"cancelled\" and .builds[0].status == \"cancelled\"" out
'

test_expect_success 'runs at the same time' '
        for i in 1 2 3 4 5 6; do
                { INGOT_RUNS_KEEP=3 ingot build -only=null.one t.pkr.hcl >"out$i" || echo failed >>"out$i"; } &
        done &&
        wait && ! grep -E "warning|failed" out? &&
        # those that end together leave each other alone; the next one does not
        INGOT_RUNS_KEEP=3 ingot build -only=null.one t.pkr.hcl && [ "$(count)" = 3 ] &&
        ingot runs -json | jq -e "all(.result == \"succeeded\")"
'

test_expect_success 'a record that cannot be made: a warning, and the build goes on' '
        rm -r "$records" && : >"$records" &&
        ingot build -force t.pkr.hcl >out && cat out && [ "$(grep -c "warning: .*record" out)" = 1 ] && rm "$records"
'

test_expect_success 'a full disk: a warning, and the build goes on' '
        write_file loud.pkr.hcl <<-\EOF &&
		source "null" "l" {
		  communicator = "none"
		}
		build {
		  sources = ["null.l"]
		  provisioner "shell-local" {
		    inline = ["seq 1 200"]
		  }
		}
	EOF
        (trap "" XFSZ && ulimit -f 8 && ingot build loud.pkr.hcl; echo "exit $?") | cat >out && cat out &&
        grep "^exit 0$" out && [ "$(grep -c "warning: the record of this run is not complete: .*File too large" out)" = 1 ] &&
        ingot runs | grep " succeeded " && [ "$(wc -c <"$(newest)/events.jsonl")" -le 8192 ]
'

test_done
