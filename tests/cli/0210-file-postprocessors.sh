#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The file builder and the post-processors on it.
# shellcheck source=tests/cli/testlib.sh
. "${0%/*}/testlib.sh"

write_file f.pkr.hcl <<'EOF'
source "file" "f" {
  content = "golden\n"
  target  = "built/f.txt"
}
build {
  sources = ["file.f"]
  post-processor "checksum" {
    checksum_types = ["md5", "sha256"]
    output         = "built/{{.ChecksumType}}.sum"
  }
  post-processor "manifest" {
    output      = "manifest.json"
    strip_path  = true
    custom_data = { who = "<me & you>" }
  }
}
EOF

test_expect_success 'file, checksum, manifest' '
        ingot build -color=false f.pkr.hcl >log &&
        [ "$(cat built/f.txt)" = golden ] &&
        (cd built && sha256sum -c sha256.sum && md5sum -c md5.sum) &&
        grep "^==> file.f: Running post-processor:  (type checksum)$" log
'

test_expect_success 'the manifest has the exact form that scripts read' '
        rm -rf built manifest.json && ingot build -color=false f.pkr.hcl >/dev/null &&
        uuid=$(jq -r .last_run_uuid manifest.json) && time=$(jq .builds[0].build_time manifest.json) &&
        cat >want <<-EOF &&
	{
	  "builds": [
	    {
	      "name": "f",
	      "builder_type": "file",
	      "build_time": $time,
	      "files": [
	        {
	          "name": "f.txt",
	          "size": 7
	        }
	      ],
	      "artifact_id": "File",
	      "packer_run_uuid": "$uuid",
	      "custom_data": {
	        "who": "\\u003cme \\u0026 you\\u003e"
	      }
	    }
	  ],
	  "last_run_uuid": "$uuid"
	}
	EOF
        printf "%s" "$(cat want)" | cmp - manifest.json
'

test_expect_success 'a second run adds to the manifest' '
        ingot build -no-cache f.pkr.hcl >/dev/null && [ "$(jq ".builds | length" manifest.json)" = 2 ] &&
        ingot build -force f.pkr.hcl >/dev/null && [ "$(jq ".builds | length" manifest.json)" = 1 ]
'

for form in "x.tar:tar tf" "x.tar.gz:tar tzf" "x.tar.xz:tar tJf" "x.tar.zst:tar tf" "x.tar.bz2:tar tjf" "x.zip:unzip -t" "x.gz:gzip -t" \
        "x.xz:xz -t" "x.zst:zstd -t" "x.bz2:bzip2 -t" "x.bzip2:bzip2 -t" "x.lz4:lz4 -t"; do
        name=${form%%:*}
        # shellcheck disable=SC2034 # used by the test's text
        list=${form#*:}
        test_expect_success "compress to $name" '
                write_file c.pkr.hcl <<-EOF &&
                source "file" "f" {
                  content = "golden\n"
                  target  = "c.txt"
                }
                build {
                  sources = ["file.f"]
                  post-processor "compress" {
                    output = "packed/$name"
                  }
                }
		EOF
                ingot build -color=false c.pkr.hcl >out &&
                grep -e "--> file.f: compressed artifacts in: packed/$name" out &&
                $list packed/$name && test_absent c.txt && test_absent packed/$name.ingot-part
        '
done

# Walks from block to block by their sizes, as a reader does that begins in the middle.
cat >blocks.py <<-\EOF
	import struct, sys
	data, at, blocks = open(sys.argv[1], "rb").read(), 0, 0
	while at < len(data):
	    assert data[at:at + 4] == b"\x1f\x8b\x08\x04" and data[at + 12:at + 16] == b"BC\x02\x00"
	    at, blocks = at + struct.unpack("<H", data[at + 16:at + 18])[0] + 1, blocks + 1
	assert at == len(data) and data[-28:-20] == bytes.fromhex("1f8b080400000000")
	print("blocks", blocks)
EOF

test_expect_success 'compress in blocks that can be read from the middle' '
        { head -c 100000 /dev/urandom; seq 100000; } >big &&
        write_file blocks.pkr.hcl <<-\EOF &&
        source "file" "f" {
          source = "big"
          target = "z.bin"
        }
        build {
          sources = ["file.f"]
          post-processors {
            post-processor "compress" {
              output              = "z.bgzf"
              keep_input_artifact = true
            }
          }
          post-processor "compress" {
            output            = "z.tar.bgzf"
            compression_level = 9
          }
        }
	EOF
        ingot build -color=false blocks.pkr.hcl >out && grep "Archiving z.bgzf with bgzf" out &&
        grep "Tarring z.tar.bgzf with bgzf" out &&
        gzip -dc <z.bgzf | cmp - big && tar -xzOf z.tar.bgzf z.bin | cmp - big &&
        [ "$(python3 blocks.py z.bgzf)" = "blocks 12" ] && python3 blocks.py z.tar.bgzf
'

test_expect_success 'keep_input_artifact keeps it' '
        write_file k.pkr.hcl <<-\EOF &&
        source "file" "f" {
          content = "golden\n"
          target  = "k.txt"
        }
        build {
          sources = ["file.f"]
          post-processor "compress" {
            output              = "k.tar.gz"
            keep_input_artifact = true
          }
        }
	EOF
        ingot build k.pkr.hcl >out && test -f k.txt && test -f k.tar.gz
'

test_expect_success 'a failing post-processor loses nothing' '
        write_file bad.pkr.hcl <<-\EOF &&
        source "file" "f" {
          content = "golden\n"
          target  = "b.txt"
        }
        build {
          sources = ["file.f"]
          post-processor "compress" {
            output = "/proc/nowhere/b.tar.gz"
          }
        }
	EOF
        test_exit 1 ingot build -color=false bad.pkr.hcl >out &&
        grep "Post-processor failed: " out && test -f b.txt
'

test_done
