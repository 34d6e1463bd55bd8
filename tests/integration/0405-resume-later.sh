#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # base_*: base-image.sh
# A guest that goes on a day later: certificates, signatures of packages and leases are right.
. "${0%/*}/testlib.sh"
for program in qemu-system-x86_64 openssl python3; do
        command -v $program >/dev/null || test_skip_all "no $program"
done
. "${0%/*}/base-image.sh"

export NO_COLOR=1 INGOT_CACHE=on

# A server whose certificate is valid from now on.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out ca.pem -subj /CN=ingot-test \
        -addext 'subjectAltName = IP:10.0.2.2' 2>openssl.log || {
        echo "Bail out! no certificate"
        exit 1
}
mkdir www && echo "over TLS" >www/page
cat >server.py <<'EOF'
import functools, http.server, ssl
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="www")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("ca.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
EOF
python3 server.py >port 2>server.log &
test_keep_pid $!
test_wait 60 test -s port

# What the guest keeps is from yesterday: its clock is.
write_file yesterday.sh <<-\EOF
	set -e
	sudo timedatectl set-ntp false 2>/dev/null || true
	sudo date -s '1 day ago'
	EOF
write_file today.sh <<-\EOF
	echo "the first time"
	EOF
write_file t.pkr.hcl <<-EOF
	source "qemu" "later" {
	  iso_url              = "$base_image"
	  iso_checksum         = "none"
	  disk_image           = true
	  skip_resize_disk     = true
	  accelerator          = "tcg"
	  headless             = true
	  memory               = 512
	  output_directory     = "out"
	  ssh_username         = "$base_user"
	  ssh_timeout          = "10m"
	  shutdown_command     = "sudo poweroff"
	}
	build {
	  sources = ["source.qemu.later"]
	  provisioner "file" {
	    source      = "ca.pem"
	    destination = "/tmp/ca.pem"
	  }
	  provisioner "shell" {
	    script = "yesterday.sh"
	  }
	  provisioner "shell" {
	    script = "today.sh"
	  }
	}
	EOF

test_expect_success 'a guest is kept' '
        ingot build t.pkr.hcl >out.log 2>&1; tail -n 30 out.log && grep "the first time" out.log'

test_expect_success 'a day later its clock, TLS and the archive are right' '
        write_file today.sh <<-EOF &&
	set -e
	echo "clock \$(date +%s)"
	sudo /usr/lib/apt/apt-helper -o Acquire::https::CaInfo=/tmp/ca.pem \\
	        download-file https://10.0.2.2:$(cat port)/page /tmp/page
	cat /tmp/page
	sudo apt-get -o APT::Update::Error-Mode=any update
	EOF
        ingot build -force t.pkr.hcl >out.log 2>&1; tail -n 40 out.log
        grep "Going on after step 2 of 3" out.log && grep "over TLS" out.log &&
        ! grep "not valid yet" out.log && grep "Reading package lists" out.log &&
        clock=$(sed -n "s/.*clock \([0-9]*\).*/\1/p" out.log) && [ $(($(date +%s) - clock)) -lt 600 ]'

test_expect_success 'nothing is left' 'test_clean'
test_done
