# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154
# A registry of the test's own on this host. Source it after testlib.sh.

# start_registry [LINES…]: with further lines of its configuration. Sets $registry, its name in images.
start_registry() {
	registry_port=$(awk 'BEGIN { srand(); print 20000 + int(rand() * 20000) }')
	write_file registry.yml <<-EOF
		version: 0.1
		storage:
		  filesystem:
		    rootdirectory: $test_root/registry
		http:
		  addr: 127.0.0.1:$registry_port
	EOF
	printf '%s\n' "$@" >>registry.yml
	docker-registry serve registry.yml >registry.log 2>&1 &
	registry_pid=$!
	test_keep_pid "$registry_pid"
	registry=127.0.0.1:$registry_port
	test_wait 20 grep -q "listening on" registry.log
}
