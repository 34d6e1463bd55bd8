#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every option of the provisioner file on a real sshd, over scp and sftp.
. "${0%/*}/testlib.sh"
# shellcheck source=tests/integration/sshd.sh
. "${0%/*}/sshd.sh"

start_sshd
build() { ingot build -color=false t.pkr.hcl; }
tree() { (cd "$1" && find . -type f -exec stat -c '%n %a' {} + | sort); }

mkdir -p "site/a dir" && echo hello >"site/a dir/x y" && echo run >site/run && chmod 750 site/run
echo plain >plain && chmod 640 plain && ln -s plain link

for method in scp sftp; do
        export method

        test_expect_success "$method: a file, with its mode; into a directory; through a link" '
                rm -rf far && mkdir far && box_template "ssh_file_transfer_method = \"$method\"" <<-EOF &&
		  provisioner "file" {
		    source      = "plain"
		    destination = "$PWD/far/renamed"
		  }
		  provisioner "file" {
		    source      = "site/run"
		    destination = "$PWD/far/"
		  }
		  provisioner "file" {
		    source      = "link"
		    destination = "$PWD/far/{{ build_name }}"
		  }
		EOF
                build >out && cat out && grep "==> null.box: Uploading plain => $PWD/far/renamed$" out &&
                tree far && [ "$(tree far | tr "\n" " ")" = "./box 640 ./renamed 640 ./run 750 " ] && cmp plain far/box
        '

        test_expect_success "$method: sources in order, source last; trees with and without a slash" '
                rm -rf far && mkdir far && box_template "ssh_file_transfer_method = \"$method\"" <<-EOF &&
		  provisioner "file" {
		    sources     = ["plain", "site/a dir/x y"]
		    source      = "site/run"
		    destination = "$PWD/far/"
		  }
		  provisioner "file" {
		    source      = "site"
		    destination = "$PWD/far"
		  }
		  provisioner "file" {
		    source      = "site/"
		    destination = "$PWD/far"
		  }
		EOF
                build >out && cat out && grep "Uploading" out | sed "s/.*Uploading //; s/ =>.*//" | tr "\n" , >order &&
                [ "$(cat order)" = "plain,site/a dir/x y,site/run,site,site/," ] && diff -r site far/site &&
                cmp "site/a dir/x y" "far/x y" && cmp "site/a dir/x y" "far/a dir/x y" && cmp plain far/plain
        '

        test_expect_success "$method: content, kept from others" '
                rm -rf far && mkdir far && box_template "ssh_file_transfer_method = \"$method\"" <<-EOF &&
		  provisioner "file" {
		    content     = "a\n\${build.User}"
		    destination = "$PWD/far/text"
		  }
		  provisioner "file" {
		    content     = "other"
		    destination = "$PWD/far/"
		  }
		EOF
                build >out && cat out && [ "$(tr "\n" " " <far/text)" = "a root" ] && [ "$(stat -c %a far/text)" = 600 ] &&
                ls far | grep "^pkr-file-content" && grep "Uploading .*pkr-file-content.* => $PWD/far/text" out
        '

        test_expect_success "$method: down, with directories made on the way" '
                rm -rf near && box_template "ssh_file_transfer_method = \"$method\"" <<-EOF &&
		  provisioner "file" {
		    direction   = "download"
		    source      = "$PWD/plain"
		    destination = "near/deep/"
		  }
		  provisioner "file" {
		    direction   = "download"
		    sources     = ["$PWD/site/run", "$PWD/site/a dir/x y"]
		    destination = "near/"
		  }
		  provisioner "file" {
		    direction   = "download"
		    source      = "$PWD/site/"
		    destination = "near/tree"
		  }
		  provisioner "file" {
		    direction   = "download"
		    source      = "$PWD/site/*"
		    destination = "near/globbed"
		  }
		EOF
                build >out && cat out && cmp plain near/deep/plain && [ "$(stat -c %a near/deep/plain)" = 644 ] &&
                cmp site/run near/run && cmp "site/a dir/x y" "near/x y" && cmp "site/a dir/x y" "near/tree/site/a dir/x y" &&
                cmp "site/a dir/x y" "near/globbed/a dir/x y" && grep "Downloading $PWD/plain => near/deep/plain$" out
        '

        test_expect_success "$method: what goes wrong on the machine is told with its path and advice" '
                rm -rf far && mkdir far && for to in "$PWD/far" "$PWD/none/x" "/proc/version"; do
                        box_template "ssh_file_transfer_method = \"$method\"" <<-EOF &&
			  provisioner "file" {
			    source      = "plain"
			    destination = "$to"
			  }
			EOF
                        test_exit 1 build >out && cat out && grep -e "--> null.box: Upload failed: " out || return 1
                done
                box_template "ssh_file_transfer_method = \"$method\"" <<-EOF &&
		  provisioner "file" {
		    direction   = "download"
		    source      = "$PWD/none"
		    destination = "got"
		  }
		EOF
                test_exit 1 build >out && cat out && grep -e "--> null.box: Download failed: .*$PWD/none: [Nn]o such file" out && test_clean
        '
done

test_expect_success 'a directory without a slash, a missing parent: what to do' '
        box_template <<-EOF &&
	  provisioner "file" {
	    source      = "plain"
	    destination = "$PWD/far"
	  }
	EOF
        test_exit 1 build >out && cat out && grep "end the destination with a slash" out &&
        box_template <<-EOF &&
	  provisioner "file" {
	    source      = "plain"
	    destination = "$PWD/none/x"
	  }
	EOF
        test_exit 1 build >out && cat out && grep "make the parent of" out
'

test_expect_success 'generated: looked for when its time has come' '
        rm -f made && mkdir -p far && box_template <<-EOF &&
	  provisioner "shell-local" {
	    inline = ["echo now >made"]
	  }
	  provisioner "file" {
	    source      = "made"
	    generated   = true
	    destination = "$PWD/far/made"
	  }
	  provisioner "file" {
	    source      = "never"
	    generated   = true
	    destination = "$PWD/far/never"
	  }
	EOF
        test_exit 1 build >out && cat out && [ "$(cat far/made)" = now ] &&
        grep -e "--> null.box: cannot upload .never.: No such file or directory" out
'

test_expect_success 'what is wrong is told before anything runs' '
        box_template <<-\EOF &&
	  provisioner "file" {
	    direction = "sideways"
	    source    = "plain"
	  }
	  provisioner "file" {
	    source      = "nope"
	    content     = "x"
	    destination = "/x"
	  }
	  provisioner "file" {
	    destination = "/x"
	  }
	EOF
        test_exit 1 ingot validate t.pkr.hcl >out; cat out; grep "Direction must be one of: download, upload." out &&
        grep "Destination must be specified." out && grep "Bad source .nope.: stat nope: no such file or directory" out &&
        grep "source(s) conflicts with content." out && grep "Warning: Nothing to copy" out
'

test_expect_success 'without a machine nothing can be copied; a build that only pretends swallows it' '
        write_file none.pkr.hcl <<-\EOF &&
	source "null" "n" {
	  communicator = "none"
	}
	source "file" "f" {
	  content = "x"
	  target  = "f.out"
	}
	build {
	  sources = ["null.n", "file.f"]
	  provisioner "file" {
	    source      = "plain"
	    destination = "/x"
	  }
	}
	EOF
        test_exit 1 ingot build -color=false none.pkr.hcl >out && cat out &&
        grep "null.n: Upload failed: Upload is not implemented when communicator = .none." out &&
        grep "Build .file.f. finished" out
'

test_done
