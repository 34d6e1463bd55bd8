#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Legacy JSON templates from end to end.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

write_file t.json <<'EOF'
{
  "_comment": "read by nobody",
  "description": "a template of the old kind",
  "min_packer_version": "1.0.0",
  "variables": {
    "who": "world", "greeting": "hi {{user `who`}}", "need": null,
    "pw": "s3cret", "shell": "{{env `INGOT_TEST_SHELL`}}"
  },
  "sensitive-variables": ["pw"],
  "builders": [
    {"type": "null", "communicator": "none"},
    {"type": "null", "name": "b-{{user `who`}}", "communicator": "none"}
  ],
  "provisioners": [
    {"type": "shell-local", "inline": [
      "echo 1 {{user `greeting`}} {{build_name}} {{build_type}} {{user `pw`}} {{user `need`}}",
      "echo 2 {{template_dir}} {{packer_version}} {{user `shell`}}"]},
    {"type": "shell-local", "only": "null", "inline": "echo 3 main",
     "override": {"null": {"inline": ["echo 3 override"]}}},
    {"type": "shell-local", "except": ["null"], "command": "echo 4 {{build `PackerRunUUID`}} $X",
     "environment_vars": ["X={{user `greeting`}}"],
     "execute_command": ["/bin/sh", "-c", "{{.Vars}} {{.Script}} # {{user `who`}}"]}
  ],
  "post-processors": [
    {"type": "manifest", "strip_path": true},
    [{"type": "manifest", "output": "second.json", "custom_data": {"w": "{{user `who`}}"}}]
  ]
}
EOF

test_expect_success 'validate' '
        ingot validate -var need=x t.json >out && grep "^The configuration is valid\.$" out &&
        ingot validate -syntax-only t.json &&
        ! ingot validate t.json >out &&
        grep "required variable not set: need" out
'

test_expect_success 'build: variables, names, only, override, build data, post-processors' '
        INGOT_TEST_SHELL=fish ingot build -color=false -var need=x t.json >out &&
        grep "null: 1 hi world null null <sensitive> x$" out &&
        grep "null.b-world: 1 hi world b-world null <sensitive> x$" out &&
        grep "null: 2 $PWD 1\.16\.0 fish$" out &&
        grep "null: 3 override$" out && ! grep "b-world: 3" out &&
        grep -E "null.b-world: 4 [0-9a-f-]{36} hi world$" out && ! grep "null: 4" out &&
        grep "^==> null: Running post-processor: manifest$" out &&
        grep "\"name\": \"b-world\"" packer-manifest.json && grep "\"w\": \"world\"" second.json
'

test_expect_success 'variables from files and flags; the flag wins' '
        write_file v.json <<-EOF &&
        {"who": "file", "need": "{{user \`who\`}}!", "extra": null}
	EOF
        ingot build -color=false -only=null -var-file=v.json t.json >out &&
        grep "null: 1 hi file null null <sensitive> file!$" out &&
        ingot build -color=false -only=null -var-file=v.json -var who=flag t.json >out &&
        grep "null: 1 hi flag null null <sensitive> flag!$" out
'

test_expect_success '-only and -except take whole rendered names' '
        ingot build -color=false -var need=x -only=b-world t.json >out &&
        ! grep "^==> null: " out && grep "null.b-world: 1" out &&
        ingot build -color=false -var need=x -except=b-world t.json >out &&
        ! grep "b-world" out &&
        ! ingot build -var need=x -only="b-*" t.json >out &&
        grep "No builds to run" out
'

test_expect_success 'standard input' '
        ingot validate -var need=x - <t.json &&
        echo "{\"builders\":[{\"type\":\"null\",\"name\":\"{{template_dir}}\"}]}" >dir.json &&
        ! ingot validate - <dir.json >out &&
        grep "template path not available" out
'

test_expect_success '-config-type and the name decide who reads a file' '
        cp t.json plain && ingot validate -var need=x plain &&
        echo "build {}" >hcl && ! ingot validate hcl >out && grep "legacy JSON" out &&
        ! ingot validate -config-type=hcl2 t.json >out && ! grep "legacy JSON" out &&
        ! ingot validate nowhere.json >out &&
        grep "^\"nowhere.json\": stat nowhere.json: no such file or directory$" out
'

test_expect_success 'inspect' '
        ingot inspect t.json >out &&
        grep "^Packer Inspect: JSON mode$" out && grep "^  need$" out &&
        grep "^  greeting = hi {{user .who.}}$" out && grep "^  pw       = <sensitive>$" out &&
        grep "^  b-{{user .who.}} (null)$" out
'

test_expect_success 'console' '
        echo "{{user \`greeting\`}}" | ingot console t.json >out && grep "^$" out &&
        echo "{{user \`greeting\`}}" | ingot console -var need=x t.json >out &&
        grep "^hi world$" out &&
        echo "{{upper \`{{lower \`}}" | ingot console -config-type=json >out &&
        grep "^???????: Interpolation error$" out &&
        echo variables | ingot console -config-type=json -var a=b >out && grep "^a: b,$" out
'

test_expect_success 'a good build runs although another one is broken' '
        write_file two.json <<-EOF &&
        {"builders": [{"type": "null", "communicator": "none"}, {"type": "nothing"}],
         "provisioners": [{"type": "shell-local", "inline": "echo done"}]}
	EOF
        ! ingot build -color=false two.json >out &&
        grep "Failed to initialize build \"nothing\"" out && grep "null: done$" out
'

test_expect_success 'mistakes have a place' '
        write_file bad.json <<-EOF &&
        {"builders": [
          {"type": "null", "communicator": "none",
           "ssh_prot": 22}]}
	EOF
        ! ingot validate bad.json >out &&
        grep "on bad.json line 3" out &&
        grep "unknown configuration key: .\"ssh_prot\"." out
'

test_expect_success 'qemu, checksum and lazily rendered options' '
        write_file q.json <<-EOF &&
        {"variables": {"size": "1024"},
         "builders": [{"type": "qemu", "iso_url": "x.iso", "iso_checksum": "none",
          "disk_size": "{{user \`size\`}}", "headless": "true", "ssh_username": "root",
          "ssh_password": "secret", "accelerator": "tcg", "vm_name": "vm-{{build_name}}",
          "qemuargs": [["-m", "{{user \`size\`}}"]], "shutdown_command": "poweroff"}],
         "post-processors": [{"type": "checksum", "checksum_types": "md5,sha1",
          "output": "{{.BuildName}}.{{.ChecksumType}}"}]}
	EOF
        : >x.iso && ingot validate q.json
'

test_done
