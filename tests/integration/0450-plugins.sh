#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154 # templates; set in sshd.sh
# Plugins on the public SDK, of both its generations: every kind of option, of output and of call in
# both directions, mixed with what is built in.
. "${0%/*}/testlib.sh"
export INGOT_CACHE=off # every step runs
. "${0%/*}/pluginlib.sh"
. "${0%/*}/sshd.sh"
plugins probe probe5
start_sshd

# ---- options ----------------------------------------------------------------------------------

for p in probe probe5; do

template <<'EOF'
variable "secret" {
  type      = string
  default   = "hush-hush"
  sensitive = true
}
locals {
  words = ["a", "b c", "ü"]
}
source "@P@" "box" {
  label   = "label"
  text    = "line\n\"quoted\" <&> ünïcödé"
  number  = -9007199254740991
  ratio   = 0.25
  flag    = true
  maybe   = false
  length  = "90s"
  words   = local.words
  numbers = [1, 2, 300000000000]
  table   = [["a", "b"], [], ["c"]]
  tags    = { k = "v", "x.y" = upper("w") }
  one {
    title = "one"
    deep {
      level = 3
      words = ["w"]
    }
  }
  many {
    key   = "first"
    value = "1"
  }
  many {
    key = "second"
    deep {
      level = 1
    }
    deep {
      level = 2
      words = []
    }
  }
  dynamic "many" {
    for_each = local.words
    content {
      key = many.value
    }
  }
  secret = var.secret
  show   = true
}
build {
  sources = ["@P@.box"]
}
EOF
cat >want <<EOF
{"build":"box","debug":false,"flag":true,"force":true,"label":"label","length":"1m30s",\
"many":[{"Key":"first","Value":"1","Deep":[]},\
{"Key":"second","Value":"","Deep":[{"Level":1,"Words":null},{"Level":2,"Words":[]}]},\
{"Key":"a","Value":"","Deep":[]},{"Key":"b c","Value":"","Deep":[]},{"Key":"ü","Value":"","Deep":[]}],\
"maybe":"TriFalse","number":-9007199254740991,"numbers":[1,2,300000000000],"on_error":"abort",\
"one":{"Title":"one","Deep":{"Level":3,"Words":["w"]}},"ratio":0.25,"secret":"<sensitive>",\
"table":[["a","b"],[],["c"]],"tags":{"k":"v","x.y":"W"},"text":"line\\n\\"quoted\\" <&> ünïcödé",\
"type":"$p","words":["a","b c","ü"]}
EOF
test_expect_success "$p: every kind of option arrives as it was written" '
        build -force -on-error=abort && sed -n "s/^==> $p.box: options: //p" out >got &&
        diff want got && hasnt hush && plugins_clean
'

template <<'EOF'
source "@P@" "box" {
  nonsense = 1
  text     = ["x"]
}
build {
  sources = ["@P@.box"]
}
EOF
test_expect_success "$p: what is missing, unknown or of another type is told where it stands" '
        test_exit 1 ingot validate t.pkr.hcl >out && cat out && has "label" && has "nonsense" &&
        has "t.pkr.hcl line 1, in" && has "t.pkr.hcl line 2, in" && has "t.pkr.hcl line 3, in" && plugins_clean
'

template <<'EOF'
source "@P@" "box" {
  label            = "l"
  prepare_errors   = ["first mistake", "second mistake"]
  prepare_warnings = ["be careful"]
}
build {
  sources = ["@P@.box"]
  provisioner "@P@-provisioner" {
    prepare_errors = ["third mistake"]
  }
  post-processor "@P@-postproc" {
    prepare_errors = ["fourth mistake"]
  }
}
EOF
test_expect_success "$p: validate tells all mistakes that plugins find, and their warnings" '
        test_exit 1 ingot validate t.pkr.hcl >out && cat out && has "first mistake" &&
        has "second mistake" && has "third mistake" && has "fourth mistake" && has "be careful" &&
        plugins_clean
'

# ---- what a plugin says -----------------------------------------------------------------------

template <<'EOF'
source "@P@" "box" {
  label    = "l"
  speak    = true
  progress = 300000
}
build {
  sources = ["@P@.box"]
}
EOF
test_expect_success "$p: all it says is told" '
        build && has "==> $p.box: say: plain" && has "==> $p.box: sayf: 7 seven" &&
        has "==> $p.box: say: two" && has "==> $p.box: lines" && has "message: plain" &&
        has "==> $p.box: error: plain" && has "errorf: 8" && has "ünïcödé ✓" &&
        has "progress: 300000 bytes, <nil>" && plugins_clean
'

test_expect_success "$p: programs are told, too, and what is meant only for them" '
        build -machine-readable && has ",ui,error,==> $p.box: error: plain" &&
        grep "^[0-9]*,$p.box,probe-event,one,two%!(PACKER_COMMA)three,four\\\\nfive$" out &&
        build -json && grep "\"event\":\"progress\",\"build\":\"$p.box\",\"text\":\"probe.img\"" out &&
        plugins_clean
'

template <<'EOF'
source "@P@" "box" {
  label = "l"
  ask   = "What is it?"
}
build {
  sources = ["@P@.box"]
}
EOF
test_expect_success "$p: it asks, and is told that nobody is there" '
        python3 "$SRCDIR/tests/tools/terminal.py" --out out "What is it?" "an answer\r" -- \
                ingot build t.pkr.hcl >screen; code=$?; cat out screen; [ $code = 0 ] && has "answer: an answer" &&
        test_exit 1 setsid -w "$INGOT_BIN" build t.pkr.hcl >out && cat out && has "no answer" &&
        plugins_clean
'

# ---- provisioners, in both directions ---------------------------------------------------------

mkdir -p tree/sub tree/skip && echo one >tree/one && echo two >tree/sub/two && echo no >tree/skip/no
chmod 750 tree/one
write_file steps.txt <<'EOF'
    step {
      do      = "run"
      command = "echo to out; echo to err >&2; exit 7"
      expect  = 7
    }
    step {
      do      = "run"
      command = "cat; echo read"
      stdin   = "typed in\n"
    }
    step {
      do      = "run"
      command = "seq 10000; seq 500 >&2"
      quiet   = true
    }
    step {
      do      = "run"
      command = "echo of %d; sleep 0.2; echo err of %d >&2"
      parallel = 8
    }
    step {
      do       = "round"
      path     = "@FAR@/stream%d"
      size     = 1000000
      parallel = 5
    }
    step {
      do   = "round"
      path = "@FAR@/empty"
      size = 0
    }
    step {
      do     = "upload_file"
      source = "@DIR@/tree/one"
      path   = "@FAR@/one"
    }
    step {
      do      = "upload_dir"
      source  = "@DIR@/tree"
      path    = "@FAR@/up"
    }
    step {
      do     = "download_dir"
      path   = "@FAR@/up"
      source = "@DIR@/down"
    }
    step {
      do   = "progress"
      size = 100000
    }
EOF
did_steps() {
        has "$1: to out" && has "$1: to err" && has "$1: exit: 7" && has "$1: typed in" && has "$1: read" &&
                has "output: 10000 lines, 48894 bytes; errors: 500 lines, 1892 bytes" &&
                for i in 0 1 2 3 4 5 6 7; do has "$1: of $i" && has "$1: err of $i" || return 1; done &&
                for i in 0 1 2 3 4; do has "stream$i: 1000000 bytes are the same" || return 1; done &&
                has "empty: 0 bytes are the same" && has "progress: 100000 bytes, <nil>" &&
                [ "$(cat "$2/one" "$2/up/tree/one" "$2/up/tree/sub/two" | tr "\n" " ")" = "one one two " ] &&
                [ "$(stat -c %a "$2/one")" = 750 ] && [ "$(cat down/up/tree/sub/two down/up/tree/skip/no | tr "\n" " ")" = "two no " ]
}

rm -rf down "$dir/far" && mkdir down
{
        echo "  provisioner \"$p-provisioner\" {" && sed "s|@FAR@|$dir/far|; s|@DIR@|$PWD|" steps.txt && echo "  }"
} | box_template
mkdir -p "$dir/far/up"
test_expect_success "$p: its provisioner works over our SSH" '
        build && did_steps null.box "$dir/far" && plugins_clean
'

rm -rf down m && mkdir -p down m/up
template <<EOF
source "@P@" "box" {
  label       = "l"
  machine_dir = "@DIR@/m"
}
build {
  sources = ["@P@.box"]
  provisioner "@P@-provisioner" {
$(sed "s|@FAR@/||" steps.txt)
  }
}
EOF
test_expect_success "$p: its provisioner works on its machine" '
        build && did_steps $p.box m && plugins_clean
'

rm -rf down m && mkdir -p m
template <<EOF
source "@P@" "box" {
  label       = "l"
  machine_dir = "@DIR@/m"
}
build {
  sources = ["@P@.box"]
  provisioner "shell" {
    remote_folder    = "@DIR@/m"
    inline           = ["echo in \$PWD; echo bad >&2; echo \$PACKER_BUILD_NAME \$PACKER_BUILDER_TYPE \$A"]
    environment_vars = ["A=b c"]
  }
  provisioner "file" {
    source      = "@DIR@/tree"
    destination = "t"
  }
  provisioner "file" {
    content     = "some text\n"
    destination = "text"
  }
  provisioner "shell" {
    remote_folder     = "@DIR@/m"
    inline            = ["exit 3"]
    valid_exit_codes  = [3]
  }
  provisioner "file" {
    direction   = "download"
    source      = "text"
    destination = "@DIR@/back"
  }
}
EOF
test_expect_success "$p: what is built in works on its machine" '
        build && has "$p.box: in $PWD/m" && has "$p.box: bad" && has "$p.box: box $p b c" &&
        [ "$(cat back m/text m/t/tree/sub/two | tr "\n" " ")" = "some text some text two " ] && plugins_clean
'

rm -rf m
template <<EOF
source "@P@" "box" {
  label       = "l"
  machine_dir = "@DIR@/m"
}
build {
  sources = ["@P@.box"]
  provisioner "@P@-provisioner" {
    step {
      do      = "run"
      command = "probe-disconnect"
      expect  = 2300218
    }
    step {
      do   = "upload"
      path = "no/such/folder/file"
      size = 5000000
    }
  }
}
EOF
test_expect_success "$p: a lost connection is told apart, and so is an upload that is refused" '
        test_exit 1 build && has "exit: 2300218" && has "no/such/folder/file: no such file or directory" &&
        plugins_clean
'

# ---- values that a build finds out ------------------------------------------------------------

template <<'EOF'
source "@P@" "box" {
  label = "l"
}
build {
  name    = "named"
  sources = ["@P@.box"]
  provisioner "shell-local" {
    inline = ["echo 'ours: ${build.ProbeId} ${build.ProbeNumber} ${build.ProbeRatio} ${build.ProbeFlag} ${jsonencode(build.ProbeNumbers)} ${build.ID} ${build.name}'"]
  }
  provisioner "@P@-provisioner" {
    text = "theirs: ${build.ProbeId} ${build.ProbeNumber} ${build.ID} ${build.name} {{ .ProbeId }}"
    step {
      do = "data"
    }
    step {
      do = "kinds"
    }
  }
  post-processor "shell-local" {
    inline = ["echo after: ${build.ProbeId} ${build.ID}"]
  }
  post-processor "@P@-postproc" {
    text = "after, theirs: ${build.ProbeId} ${build.ProbeNumber}"
  }
}
EOF
test_expect_success "$p: values of a running build reach everybody" '
        build && has "ours: id of box 42 0.5 true [1,2,300] machine-box named" &&
        has "theirs: id of box 42 machine-box named id of box" &&
        has "\"ProbeFlag\":true" && has "\"ProbeNumber\":42" && has "\"ProbeNumbers\":[1,2,300]" &&
        has "\"ProbeNumber\":\"int64\"" && has "\"ProbeRatio\":\"float64\"" &&
        has "after: id of box machine-box" && has "after, theirs: id of box 42" && plugins_clean
'

# ---- post-processors --------------------------------------------------------------------------

template <<'EOF'
source "@P@" "box" {
  label      = "l"
  output_dir = "@DIR@/out-files"
  files      = 2
}
build {
  sources = ["@P@.box"]
  post-processors {
    post-processor "@P@-postproc" {
      show   = true
      states = ["generated_data", "text", "number", "unsigned", "ratio", "flag", "bytes", "list", "map", "nested", "nothing"]
      result = "same"
      keep   = true
    }
    post-processor "checksum" {
      checksum_types = ["sha256"]
      output         = "@DIR@/sums"
    }
  }
  post-processors {
    post-processor "compress" {
      output              = "@DIR@/packed.tar.gz"
      keep_input_artifact = true
    }
    post-processor "@P@-postproc" {
      show   = true
      output = "@DIR@/made"
    }
    post-processor "manifest" {
      output = "@DIR@/manifest.json"
    }
  }
  post-processors {
    post-processor "@P@-postproc" {
      result = "nil"
    }
    post-processor "shell-local" {
      inline = ["echo never"]
    }
  }
}
EOF
test_expect_success "$p: chains of theirs and ours" '
        rm -rf out-files sums packed.tar.gz made manifest.json && build &&
        has "input: ingot.probe; probe-box; Probe: probe-box, files: 2; [\"$PWD/out-files/file-0\",\"$PWD/out-files/file-1\"]" &&
        has "state text: string \"text ünïcödé\"" && has "state number: int64 -7" &&
        has "state unsigned: uint64 9223372036854775808" && has "state ratio: float64 0.25" &&
        has "state flag: bool true" && has "state bytes: []uint8 [0,1,254,255]" &&
        has "[\"a\",\"b\"]" && has "{\"k\":\"v\",\"l\":\"w\"}" &&
        has "{\"list\":[1,\"two\",{\"three\":3.5}],\"none\":null}" && has "state nothing: <nil> null" &&
        has "\"ProbeNumber\":42" && [ "$(wc -l <sums)" = 2 ] &&
        has "input: packer.post-processor.compress;" && grep -F "packed.tar.gz" made &&
        jq -e ".builds[0].files[0].name == \"$PWD/made\"" manifest.json && hasnt never &&
        [ -f out-files/file-0 ] && has "Probe: probe-box, files: 2" && plugins_clean
'

# keep OPTIONS KEEP: is the input there after a post-processor with these options?
keep() {
        template <<EOF
source "@P@" "box" {
  label      = "l"
  output_dir = "@DIR@/kept"
  files      = 1
}
build {
  sources = ["@P@.box"]
  post-processor "@P@-postproc" {
$1
  }
}
EOF
        rm -rf kept made && build && { [ -e kept/file-0 ] && there=yes || there=no; } &&
                [ "$there" = "$2" ] && plugins_clean
}
test_expect_success "$p: who decides whether the input is kept" '
        keep "" no && keep "keep = true" yes && keep "keep_input_artifact = true" yes &&
        keep "keep = true
              keep_input_artifact = false" no &&
        keep "keep = true
              force_override = true
              keep_input_artifact = false" yes
'

template <<'EOF'
source "@P@" "box" {
  label      = "l"
  output_dir = "@DIR@/kept"
  files      = 1
  faults     = { destroy = "error:it is stuck" }
}
build {
  sources = ["@P@.box"]
  post-processor "@P@-postproc" {
  }
}
EOF
test_expect_success "$p: an artifact that cannot be destroyed is told" '
        rm -rf kept; build; has "it is stuck" && [ -f kept/file-0 ] && plugins_clean
'

template <<'EOF'
source "@P@" "box" {
  label        = "l"
  nil_artifact = true
}
build {
  sources = ["@P@.box"]
}
EOF
test_expect_success "$p: a build without an artifact" '
        build && has "Builds finished but no artifacts were created." && plugins_clean
'

# ---- data sources -----------------------------------------------------------------------------

template <<'EOF'
data "@P@-data" "all" {
  text   = "some text"
  number = 7
  words  = ["a", "b"]
  tags   = { k = "v" }
  size   = 1048576
  many {
    key = "k1"
    deep {
      level = 5
      words = ["x"]
    }
  }
}
data "@P@-data" "next" {
  text = "after ${data.@P@-data.all.text}"
}
locals {
  d = data.@P@-data.all
}
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
  provisioner "shell-local" {
    inline = [
      "echo '${local.d.text} ${local.d.number} ${local.d.flag} ${jsonencode(local.d.words)} ${jsonencode(local.d.numbers)}'",
      "echo '${jsonencode(local.d.table)} ${jsonencode(local.d.tags)} ${jsonencode(local.d.one)} ${jsonencode(local.d.many)}'",
      "echo '${jsonencode(local.d.none)} ${length(local.d.big)} ${substr(local.d.big, 1048570, 6)} ${data.@P@-data.next.text}'",
    ]
  }
}
EOF
test_expect_success "$p: data: every kind of output, and a megabyte" '
        build && has "some text 7 true [\"a\",\"b\"] [-1,0.5,123456789012345678901234567890]" &&
        has "[[\"a\",\"b\"],[]] {\"k\":\"v\"} {\"deep\":{\"level\":2,\"words\":[\"w\"]},\"title\":\"one\"} [{\"deep\":[{\"level\":5,\"words\":[\"x\"]}],\"key\":\"k1\"}]" &&
        has "null 1048576 abcdef after some text" && plugins_clean
'

test_expect_success "$p: data: validate knows its outputs, and does not execute it" '
        sed -i "s/  text   = /  faults = { execute = \"panic\" }\n&/" t.pkr.hcl &&
        ingot validate t.pkr.hcl && sed -i "s/local.d.flag/local.d.flog/" t.pkr.hcl &&
        test_exit 1 ingot validate t.pkr.hcl >out && cat out && has flog && plugins_clean
'

template <<'EOF'
data "@P@-data" "bad" {
  faults = { execute = "error:the well is dry" }
}
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
  provisioner "shell-local" {
    inline = ["echo ${data.@P@-data.bad.text}"]
  }
}
EOF
test_expect_success "$p: data: a failure is told once" '
        test_exit 1 build && [ "$(grep -c "the well is dry" out)" = 1 ] && has "$p-data" && plugins_clean
'

# ---- templates of the old kind ----------------------------------------------------------------

rm -rf m made && mkdir m
cat >t.json <<EOF
{
  "variables": { "label": "of a variable", "n": "12" },
  "sensitive-variables": ["label"],
  "builders": [{
    "type": "$p", "name": "box", "label": "{{user \`label\`}}", "number": "{{user \`n\`}}", "text": "{{build_name}}",
    "table": [["a", "b"]], "one": {"title": "t", "deep": {"level": 1}}, "many": [{"key": "k"}],
    "machine_dir": "$PWD/m", "show": true, "output_dir": "$PWD/old", "files": 1
  }],
  "provisioners": [
    {"type": "shell-local", "inline": ["echo ours: {{build \`ProbeId\`}} {{user \`n\`}}"]},
    {"type": "shell", "remote_folder": "$PWD/m", "inline": ["echo on it"]},
    {"type": "$p-provisioner", "text": "theirs: {{build \`ProbeId\`}} {{user \`n\`}}",
     "step": [{"do": "run", "command": "echo ran {{user \`n\`}}"}, {"do": "data"}],
     "override": {"box": {"tags": {"k": "overridden"}}}}
  ],
  "post-processors": [[
    {"type": "$p-postproc", "text": "after: {{build \`ProbeId\`}}", "output": "$PWD/made", "keep_input_artifact": true},
    {"type": "manifest", "output": "$PWD/manifest.json"}
  ]]
}
EOF
test_expect_success "$p: JSON templates" '
        ingot validate t.json && ingot build t.json >out; code=$?; cat out; [ $code = 0 ] &&
        has "\"label\":\"<sensitive>\"" && has "\"number\":12" && has "\"text\":\"box\"" &&
        has "\"table\":[[\"a\",\"b\"]]" && has "\"one\":{\"Title\":\"t\",\"Deep\":{\"Level\":1,\"Words\":null}}" &&
        has "ours: id of box 12" && has "on it" && has "theirs: id of box 12" && has "ran 12" &&
        has "tags: {\"k\":\"overridden\"}" && has "after: id of box" &&
        [ "$(cat made)" = "[\"$PWD/old/file-0\"]" ] && [ -f old/file-0 ] && plugins_clean
'

sed -i 's/"label": "{{user/"lebal": "{{user/' t.json
test_expect_success "$p: JSON templates: an unknown option" '
        test_exit 1 ingot validate t.json >out && cat out && has lebal && plugins_clean
'

# ---- SSH by the plugin itself -----------------------------------------------------------------

template <<EOF
source "@P@" "box" {
  label                = "l"
  communicator         = "ssh"
  ssh_host             = "127.0.0.1"
  ssh_port             = $port
  ssh_username         = "root"
  ssh_private_key_file = "$dir/key"
}
build {
  sources = ["@P@.box"]
  provisioner "shell" {
    remote_folder = "$dir/far"
    inline        = ["echo at \$HOME", "echo \${build.Host}:\${build.Port} \${build.User} \${build.ConnType}"]
  }
  provisioner "file" {
    content     = "over their SSH"
    destination = "$dir/far/theirs"
  }
}
EOF
mkdir -p "$dir/far"
test_expect_success "$p: its own SSH" '
        build && has "$p.box: at $dir/home" && has "127.0.0.1:$port root ssh" &&
        [ "$(cat "$dir/far/theirs")" = "over their SSH" ] && plugins_clean
'

template <<'EOF'
source "@P@" "box" {
  label        = "l"
  communicator = "none"
}
build {
  sources = ["@P@.box"]
  provisioner "shell-local" {
    inline = ["echo here"]
  }
  provisioner "@P@-provisioner" {
    step {
      do   = "say"
      text = "there"
    }
  }
}
EOF
test_expect_success "$p: no communicator" 'build && has here && has there && plugins_clean'

done

# ---- both at once -----------------------------------------------------------------------------

cat >t.pkr.hcl <<EOF
source "probe" "new" {
  label = "l"
}
source "probe5" "old" {
  label = "l"
}
source "probe-bare" "bare" {}
build {
  sources = ["probe.new", "probe5.old", "probe-bare.bare"]
  provisioner "probe-provisioner" {
    step {
      do      = "run"
      command = "echo new on \$PPID"
    }
  }
  provisioner "probe5-provisioner" {
    step {
      do      = "run"
      command = "echo old"
    }
    step {
      do   = "round"
      path = "$PWD/f-%d-\${source.name}"
      size = 3000000
      parallel = 3
    }
  }
  post-processor "probe-postproc" {}
  post-processor "probe5-postproc" {}
}
EOF
test_expect_success 'both generations in one run' '
        build && for b in probe.new probe5.old probe-bare.bare; do
                has "$b: old" && has "$b: new on" && has "f-2-${b#*.}: 3000000 bytes are the same" || return 1
        done && plugins_clean
'

cat >t.pkr.hcl <<EOF
source "probe" "box" {
  label       = "l"
  machine_dir = "$PWD/m"
}
build {
  sources = ["probe.box"]
  provisioner "probe5-provisioner" {
    step {
      do   = "round"
      path = "gib"
      size = 1073741824
    }
  }
}
EOF
test_expect_success 'a gibibyte from one plugin to another and back' '
        build && has "gib: 1073741824 bytes are the same" && plugins_clean; code=$?; rm -rf m; return $code
'

test_done
