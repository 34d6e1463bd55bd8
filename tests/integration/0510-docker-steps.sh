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

# All files of an image with modes, owners, sizes and contents; and what it says of itself, but for the
# images below.
tree() {
	docker create --name look "$1" true >/dev/null && rm -rf "$2" && mkdir "$2" &&
	docker export look | tar --numeric-owner -tv --exclude=dev --exclude=etc/hosts \
		--exclude=etc/hostname --exclude=etc/resolv.conf | sed 's/ 20..-..-.. ..:..//' | sort >"$2/list"
	docker cp -q look:/. - | tar -xO --exclude=blob 2>/dev/null | sha256sum >"$2/sum"
	docker rm look >/dev/null &&
	docker image inspect "$1" | jq '.[0].Config | del(.Image)' >"$2/config"
}
no_containers() {
	[ -z "$(docker ps -aq)" ]
}

test_expect_success 'each step is kept, and what was made before the edited one is not made again' '
	five "" three && build && ran 12345 && [ "$(kept_images)" = 5 ] && docker rmi "$(made_image)" &&
	five "" THREE && ingot plan a.pkr.hcl >plan.txt && grep "goes on after step 2" plan.txt &&
	build && ran 345 && grep "Going on after step 2 of 5" out.txt && cached=$(made_image) &&
	docker_clean
'

test_expect_success 'the image is the same as without all that, and without a trace of it' '
	build -no-cache && ran 12345 && plain=$(made_image) && tree "$cached" A && tree "$plain" B &&
	diff -r A B && grep " three$" A/list && ! grep " one$" A/list &&
	! docker image inspect "$cached" | grep ingot-step && ! docker history --no-trunc "$cached" | grep ingot &&
	docker rmi "$plain"
'

test_expect_success 'sizes are what a step adds; it cannot be carried away' '
	ingot cache ls -json >ls.json && jq -e "length == 9 and all(.bytes < 1000000)" ls.json &&
	jq -e "[.[] | select(.bytes > 300000)] | length == 5" ls.json &&
	key=$(jq -r ".[] | select(.bytes > 300000) | .key" ls.json | head -n 1) &&
	test_exit 1 ingot cache export -o step.tar "$key" >err.txt 2>&1 &&
	cat err.txt && grep "an image that a container engine keeps" err.txt && test_absent step.tar
'

test_expect_success 'nothing is done as long as the image is there' '
	build && ran "" && grep "Up to date" out.txt && no_containers &&
	docker rmi "$cached" && ingot plan a.pkr.hcl >plan.txt && grep "goes on after step 5" plan.txt &&
	build && ran "" && grep "after step 5 of 5" out.txt && last=$(made_image)
'

test_expect_success 'other options of the image are no reason to run a step' '
	five "changes = [\"ENV COLOR=blue\"]" THREE && build && ran "" && docker_clean &&
	docker image inspect "$(made_image)" | grep COLOR=blue && docker rmi "$(made_image)"
'

test_expect_success '-from, -refresh' '
	five "" THREE && build -refresh=4 && ran 45 && docker rmi "$(made_image)" &&
	build -from=5 && ran 5 && docker rmi "$(made_image)"
'

test_expect_success 'a step whose image was removed is made again from the one before' '
	ids=$(docker images -q --no-trunc --filter "reference=ingot-step") &&
	newest=$(ls -t "$HOME"/.cache/ingot/steps/layers/*.away | head -n 1) &&
	docker rmi "$(jq -r .name "$newest")" && docker rmi "$last" &&
	ingot plan a.pkr.hcl >plan.txt && cat plan.txt && grep "docker has its image no more" plan.txt &&
	build && ran 5 && docker_clean && docker rmi "$(made_image)"
'

test_expect_success 'a failed step leaves its container for attach' '
	template f.pkr.hcl "commit = true" "
		provisioner \"shell\" {
		  inline = [\"echo before >/before\"]
		}
		provisioner \"shell\" {
		  inline = [\"echo in the middle >/middle\", \"exit 3\"]
		}" &&
	test_exit 1 ingot build -color=false f.pkr.hcl >out.txt 2>&1 && grep "ingot attach" out.txt && no_containers &&
	ingot attach -- "cat /before; ls /middle; echo \$TERM" >got 2>err && cat got err
	grep -x before got && grep "middle: No such file" err && grep "after 1 step" err && grep "Its files are there" err &&
	echo "id -u; echo x >/before; exit 7" | test_exit 7 ingot attach >got 2>err && grep -x 0 got &&
	[ "$(ingot attach -- cat /before 2>/dev/null)" = before ] &&
	ingot attach -step=1 -- ls / 2>err >got && ! grep before got && docker_clean
'

test_expect_success 'the shell of attach has a terminal' '
	printf "tty; stty size; exit 5\n" >keys &&
	test_exit 5 script -qec "stty rows 31 cols 91; $INGOT_BIN attach" typed <keys >/dev/null 2>&1
	cat typed && grep /dev/pts typed && grep "31 91" typed && no_containers
'

test_expect_success 'volumes are never reused, and plan says why' '
	sed "s/pull  *= false/&\n volumes = { \"\/tmp\" = \"\/host\" }/" a.pkr.hcl >v.pkr.hcl &&
	ingot plan v.pkr.hcl >plan.txt && cat plan.txt && grep "the container has volumes" plan.txt &&
	sed "s/\"--network=host\"/\"--network=host\", \"--mount\", \"type=volume,dst=\/m\"/" a.pkr.hcl >v.pkr.hcl &&
	ingot plan v.pkr.hcl >plan.txt && grep "the container has volumes" plan.txt &&
	sed "s/{{ .Image }}/base:1/" a.pkr.hcl >v.pkr.hcl &&
	ingot plan v.pkr.hcl >plan.txt && grep "does not take its image from" plan.txt &&
	docker build -qt vol:1 - >/dev/null <<-EOF &&
		FROM base:1
		VOLUME /data
	EOF
	sed "s/\"base:1\"/\"vol:1\"/" a.pkr.hcl >v.pkr.hcl &&
	ingot plan v.pkr.hcl >plan.txt && grep "keeps /data in a volume" plan.txt && docker rmi vol:1
'

test_expect_success 'another base image, another container, and everything runs again' '
	sed "s/\"base:1\"/\"none:1\"/" a.pkr.hcl >v.pkr.hcl && ingot plan v.pkr.hcl >plan.txt &&
	grep "cannot use the image .none:1." plan.txt &&
	sed "s/pull  *= false/&\n cap_add = [\"SYS_TIME\"]/" a.pkr.hcl >v.pkr.hcl &&
	ingot plan v.pkr.hcl >plan.txt && cat plan.txt && grep "0 to reuse" plan.txt
'

test_expect_success 'two builds at once make what they share once' '
	sed "s/ran 3/other 3/" a.pkr.hcl >b.pkr.hcl && ingot cache rm -all &&
	{ ingot build -color=false b.pkr.hcl >other.txt 2>&1 & } && other=$! && test_keep_pid "$other" &&
	build && wait "$other" && cat out.txt other.txt >both.txt &&
	[ "$(grep -c "ran 1" both.txt)" = 1 ] && [ "$(grep -c "ran 2" both.txt)" = 1 ] &&
	[ "$(grep -c "ran 4" both.txt)" = 2 ] && docker_clean && docker rmi $(sed -n "s/.*--> .*image: //p" both.txt)
'

test_expect_success 'killed while it commits: nothing is left but what is known' '
	template k.pkr.hcl "commit = true" "
		provisioner \"shell\" {
		  inline = [\"dd if=/dev/urandom of=/big bs=1M count=40\"]
		}" &&
	rm -f log.txt && { INGOT_LOG_PATH=log.txt INGOT_LOG=1 ingot build -color=false k.pkr.hcl >out.txt 2>&1 & } &&
	build_pid=$! && test_keep_pid "$build_pid" && test_wait 30 grep -q "started: docker commit" log.txt &&
	kill -KILL "$build_pid" && { wait "$build_pid"; true; } && ingot gc && no_containers &&
	ingot build -color=false k.pkr.hcl >out.txt 2>&1 && docker rmi "$(made_image)" && docker_clean &&
	[ "$(kept_images)" = "$(ls "$HOME"/.cache/ingot/steps/layers | wc -l)" ]
'

test_expect_success 'images are removed later when the daemon is down' '
	five "" THREE && DOCKER_HOST=unix:///nowhere test_exit 1 ingot build a.pkr.hcl >out.txt 2>&1 &&
	key=$(ingot cache ls -json | jq -r "[.[] | select(.bytes > 300000)][0].key") && before=$(kept_images) &&
	stop_dockerd && ingot cache rm "$key" >err.txt 2>&1 && cat err.txt &&
	grep "of removed steps cannot be removed now" err.txt && start_dockerd &&
	[ "$(kept_images)" = "$before" ] && ingot gc && [ "$(kept_images)" = $((before - 1)) ]
'

test_expect_success 'a store that is full lets images go' '
	INGOT_CACHE_SIZE=700K build && docker rmi "$(made_image)" && ingot cache prune -max-size=700K &&
	[ "$(kept_images)" -le 2 ] && ingot cache prune -older-than=0s && [ "$(kept_images)" = 0 ]
'

test_expect_success 'one that is in use stays until it is not' '
	build && docker rmi "$(made_image)" && name=$(docker images --format "{{.Repository}}:{{.Tag}}" ingot-step | head -n 1) &&
	docker run -d --name user --network=host "$name" sleep 60 >/dev/null &&
	ingot cache rm -all >err.txt 2>&1 && cat err.txt && grep "of removed steps cannot be removed now" err.txt &&
	[ "$(kept_images)" = 1 ] && docker rm -f user && ingot cache prune && no_images && docker_clean
'

test_done
