#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds of containers that do again only what has to be done again: what is kept is images of the engine,
# and none of them is left when the store lets go.
# shellcheck disable=SC2016,SC2034,SC2154
. "${0%/*}/testlib.sh"
command -v jq >/dev/null || test_skip_all "no jq"
. "${0%/*}/dockerd.sh"

# five "LINES OF THE SOURCE" THIRD: five steps, each of which tells that it ran.
five() {
	template a.pkr.hcl "commit = true
		$1" "
		provisioner \"shell\" {
		  inline = [\"echo ran 1\", \"echo one >/one; dd if=/dev/urandom of=/blob bs=1k count=300\"]
		}
		provisioner \"shell\" {
		  inline = [\"echo ran 2\", \"echo two >/two; rm /one\"]
		}
		provisioner \"shell\" {
		  inline = [\"echo ran 3\", \"echo $2 >/three\"]
		}
		provisioner \"shell\" {
		  inline = [\"echo ran 4\", \"cat /three >/four\"]
		}
		provisioner \"shell\" {
		  inline = [\"echo ran 5\", \"echo five >/five\"]
		}"
}
build() {
	ingot build -color=false "$@" a.pkr.hcl >out.txt 2>&1 || {
		cat out.txt
		return 1
	}
}
# ran NUMBERS: exactly these steps did.
ran() {
	[ "$(sed -n 's/.*web: ran //p' out.txt | tr -d '\n')" = "$1" ] || {
		cat out.txt
		return 1
	}
}
made_image() {
	sed -n 's/.*Imported Docker image: //p' out.txt | tail -n 1
}
# All images but the user's.
kept_images() {
	docker images -q --filter "reference=ingot-step" | wc -l
}
# Neither in names nor behind them.
no_images() {
	[ "$(docker images -aq --no-trunc | sort -u)" = "$(docker images -q --no-trunc base:1)" ] || {
		docker images -a
		return 1
	}
}

test_expect_success 'each step is kept, and what was made before the edited one is not made again' '
	five "" three && build && ran 12345 && first=$(made_image) &&
	[ "$(kept_images)" = 5 ] &&
	five "" THREE && ingot plan a.pkr.hcl >plan.txt && cat plan.txt && build && ran 345 &&
	grep "Going on after step 2 of 5" out.txt && second=$(made_image) &&
	docker_clean
'

test_done
