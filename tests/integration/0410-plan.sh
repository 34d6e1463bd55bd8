#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # set in tiny-guest.sh
# What a build would do, of machines that are kept: ages, reasons, shared steps.
. "${0%/*}/testlib.sh"
. "${0%/*}/tiny-guest.sh"

export NO_COLOR=1
tiny_check
tiny_guest

write_file t.pkr.hcl <<-EOF
	$(tiny_source web)
	$(tiny_source db)
	build {
	  sources = ["qemu.web", "qemu.db"]
	  provisioner "shell" {
	    inline = ["echo one"]
	  }
	  provisioner "shell" {
	    name   = "two"
	    script = "two.sh"
	  }
	  provisioner "shell" {
	    only   = ["qemu.web"]
	    inline = ["echo three"]
	  }
	}
	EOF
printf 'echo a\necho b\necho c\n' >two.sh

plan() { ingot plan "$@" t.pkr.hcl >out 2>err && cat out && test ! -s err; }
work() { want=$1 && shift && test_exit "$want" ingot plan -detailed-exitcode "$@" t.pkr.hcl >out 2>err && cat out && test ! -s err; }
row() { tr -s ' ' <out | sed 's/^ //' | grep -x "$1"; }

test_expect_success 'builds with a common beginning run it once' '
        work 2 && grep "^qemu.db: goes on after step 2 of qemu.web$" out && row "start run ? not run yet" &&
        row "start share with qemu.web, run once" && row "2 shell two share with qemu.web, run once" &&
        row "3 shell run ? not run yet"'

test_expect_success 'unchanged: nothing to do, at once' '
        ingot build -only qemu.web t.pkr.hcl && work 0 -only qemu.web && grep "^qemu.web: up to date, made" out &&
        row "3 shell up-to-date [0-9]*s ago" &&
        ingot plan -json -only qemu.web t.pkr.hcl >doc && jq -e ".work == false and .builds[0].age < 600" doc'

test_expect_success 'what one build has kept is reused by the other' '
        work 2 -only qemu.db && grep "^qemu.db: goes on after step 2, kept .* ago$" out &&
        row "2 shell two reuse [0-9]*s ago" && row "finish run ? not run yet"'

test_expect_success 'an edited script: the line, and what follows it' '
        sed -i "s/b/B/" two.sh && work 2 -only qemu.web && row "start reuse [0-9]*s ago" && row "1 shell reuse [0-9]*s ago" &&
        row "2 shell two run [0-9.]*s script two.sh changed: line 2" && row "3 shell run [<0-9.]*s after step 2" &&
        row "finish run [0-9.]*s after step 2" && grep "^Plan: 3 steps to run, 2 to reuse; about [0-9.]*s.$" out &&
        ingot plan -json -only qemu.web t.pkr.hcl >doc && cat doc &&
        jq -e ".builds[0].action == \"resume\" and .builds[0].steps[2].line == 2 and .run == 3 and .reuse == 2" doc &&
        sed -i "s/B/b/" two.sh && work 0 -only qemu.web'

test_expect_success 'a step that failed; its time is that of the runs that went well' '
        cp two.sh two.bak && echo "exit 3" >>two.sh && test_exit 1 ingot build -force -only qemu.web t.pkr.hcl && work 2 -only qemu.web &&
        row "1 shell reuse [0-9]*s ago" && row "2 shell two run [0-9.]*s failed last time" && row "3 shell run [<0-9.]*s after step 2" &&
        sed -i "s/exit 3/exit 0/" two.sh && work 2 -only qemu.web && row "2 shell two run [0-9.]*s script two.sh changed: line 4" &&
        cp two.bak two.sh && work 2 -only qemu.web && row "3 shell reuse .*"'

test_expect_success 'asked for, expired, another base' '
        work 2 -only qemu.web -refresh two && row "2 shell two run .* -refresh" &&
        work 2 -only qemu.web -from 3 && row "2 shell two reuse .*" && row "3 shell run .* -from" &&
        INGOT_CACHE_TTL=1ns work 2 -only qemu.web && row "start run .* longer than .*" && row "1 shell run .* after start" &&
        qemu-img resize -q "$tiny.qcow2" 17M && work 2 -only qemu.web && row "start run .* changed" &&
        row "1 shell run .* after start"'

test_done
