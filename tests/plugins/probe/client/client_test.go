// SPDX-License-Identifier: Apache-2.0

// Drives the probe plugins with the SDK's own client, so that what ingot's tests
// rely on is known to be right on the plugin's side:
//
//	PROBE=FILE PROBE5=FILE go test ./client
package client

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/plugin"
	"github.com/hashicorp/packer-plugin-sdk/rpc"
	"github.com/zclconf/go-cty/cty"
)

// A started plugin. `proto` tells in which encoding schemas travel.
func start(t *testing.T, proto bool, binary, kind, name string) *rpc.Client {
	t.Helper()
	args := []string{"start", kind, name}
	if proto {
		args = append(args, "--protobuf")
	}
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), plugin.MagicCookieKey+"="+plugin.MagicCookieValue,
		"PACKER_PLUGIN_MIN_PORT=10000", "PACKER_PLUGIN_MAX_PORT=25000", "PACKER_RUN_UUID=uuid")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(strings.TrimSpace(line), "|")
	conn, err := net.Dial(parts[2], parts[3])
	if err != nil {
		t.Fatal(err)
	}
	client, err := rpc.NewClient(conn)
	if err != nil {
		t.Fatal(err)
	}
	client.UseProto = proto
	return client
}

type screen struct {
	packer.BasicUi
	mu    sync.Mutex
	lines []string
}

func newScreen() *screen {
	s := new(screen)
	s.Reader, s.Writer, s.PB = strings.NewReader(""), s, &packer.NoopProgressTracker{}
	return s
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

func (s *screen) wants(t *testing.T, lines ...string) {
	t.Helper()
	all := strings.Join(s.lines, "\n")
	for _, line := range lines {
		if !strings.Contains(all, line) {
			t.Errorf("never said %q, but\n%s", line, all)
		}
	}
}

type hook struct {
	provisioner packer.Provisioner
}

func (h *hook) Run(ctx context.Context, name string, ui packer.Ui, comm packer.Communicator, data any) error {
	if name != packer.HookProvision || h.provisioner == nil {
		return nil
	}
	m := map[string]any{}
	for k, v := range data.(map[any]any) {
		m[k.(string)] = v
	}
	return h.provisioner.Provision(ctx, ui, comm, m)
}

// All attributes of a specification, null where they are not given.
func value(spec hcldec.ObjectSpec, given map[string]cty.Value) cty.Value {
	all := map[string]cty.Value{}
	for name, t := range hcldec.ImpliedType(spec).AttributeTypes() {
		all[name] = cty.NullVal(t)
		if v, ok := given[name]; ok {
			all[name] = v
		} else if t.IsListType() && t.ElementType().IsObjectType() {
			all[name] = cty.ListValEmpty(t.ElementType())
		}
	}
	return cty.ObjectVal(all)
}

func texts(l ...string) cty.Value {
	vs := []cty.Value{}
	for _, s := range l {
		vs = append(vs, cty.StringVal(s))
	}
	return cty.ListVal(vs)
}

func each(t *testing.T, f func(t *testing.T, proto bool, binary string)) {
	for name, binary := range map[string]string{"probe": os.Getenv("PROBE"), "probe5": os.Getenv("PROBE5")} {
		if binary == "" {
			t.Skip("PROBE and PROBE5 name no binaries")
		}
		t.Run(name+"/gob", func(t *testing.T) { f(t, false, binary) })
		if name == "probe" {
			t.Run(name+"/protobuf", func(t *testing.T) { f(t, true, binary) })
		}
	}
}

func prepared(t *testing.T, proto bool, binary string, step []cty.Value) packer.Provisioner {
	t.Helper()
	p := start(t, proto, binary, "provisioner", "provisioner").Provisioner()
	spec := p.ConfigSpec()
	stepType := hcldec.ImpliedType(spec["step"]).ElementType()
	steps := []cty.Value{}
	for _, given := range step {
		all := map[string]cty.Value{}
		for name, t := range stepType.AttributeTypes() {
			all[name] = cty.NullVal(t)
			if given.Type().HasAttribute(name) {
				all[name] = given.GetAttr(name)
			}
		}
		steps = append(steps, cty.ObjectVal(all))
	}
	vars := map[string]any{"packer_build_name": "b", "packer_builder_type": "probe"}
	if err := p.Prepare(vars, value(spec, map[string]cty.Value{"step": cty.ListVal(steps)}), nil); err != nil {
		t.Fatal(err)
	}
	return p
}

func do(what string, more map[string]cty.Value) cty.Value {
	all := map[string]cty.Value{"do": cty.StringVal(what)}
	for k, v := range more {
		all[k] = v
	}
	return cty.ObjectVal(all)
}

func TestBuild(t *testing.T) {
	each(t, func(t *testing.T, proto bool, binary string) {
		dir := t.TempDir()
		b := start(t, proto, binary, "builder", plugin.DEFAULT_NAME).Builder()
		spec := b.ConfigSpec()
		one := hcldec.ImpliedType(spec["one"])
		vars := map[string]any{"packer_build_name": "b", "packer_builder_type": "probe"}
		names, warnings, err := b.Prepare(vars, value(spec, map[string]cty.Value{
			"label": cty.StringVal("l"), "number": cty.NumberIntVal(7), "show": cty.True, "speak": cty.True,
			"table": cty.ListVal([]cty.Value{texts("a", "b"), texts("c")}),
			"one": cty.ObjectVal(map[string]cty.Value{
				"title": cty.StringVal("t"),
				"deep": cty.ObjectVal(map[string]cty.Value{
					"level": cty.NumberIntVal(3), "words": texts("w")}),
			}),
			"prepare_warnings": texts("careful"), "progress": cty.NumberIntVal(100_000),
			"output_dir": cty.StringVal(dir), "files": cty.NumberIntVal(2), "machine_dir": cty.StringVal(dir),
		}))
		if err != nil || len(names) != 5 || len(warnings) != 1 || !one.HasAttribute("deep") {
			t.Fatal(names, warnings, err)
		}
		p := prepared(t, proto, binary, []cty.Value{
			do("data", nil), do("kinds", nil), do("progress", map[string]cty.Value{"size": cty.NumberIntVal(10)}),
			do("run", map[string]cty.Value{"command": cty.StringVal("echo out; echo err >&2; exit 7"), "expect": cty.NumberIntVal(7)}),
			do("run", map[string]cty.Value{"command": cty.StringVal("cat"), "stdin": cty.StringVal("from stdin\n")}),
			do("run", map[string]cty.Value{"command": cty.StringVal("seq 10000; seq 5 >&2"), "quiet": cty.True}),
			do("run", map[string]cty.Value{"command": cty.StringVal("probe-disconnect"), "expect": cty.NumberIntVal(2300218)}),
			do("round", map[string]cty.Value{"path": cty.StringVal("f%d"), "size": cty.NumberIntVal(700_000), "parallel": cty.NumberIntVal(4)}),
		})
		ui := newScreen()
		a, err := b.Run(context.Background(), ui, &hook{p})
		if err != nil {
			t.Fatal(err)
		}
		if a.Id() != "probe-b" || len(a.Files()) != 2 || !strings.Contains(a.String(), "files: 2") {
			t.Error(a.Id(), a.Files(), a.String())
		}
		ui.wants(t, `"table":[["a","b"],["c"]]`, `"one":{"Title":"t","Deep":{"Level":3,"Words":["w"]}}`,
			"say: plain", "sayf: 7 seven", "error: plain", "progress: 100000 bytes, <nil>",
			`"ProbeNumbers":[1,2,300]`, `"ID":"machine-b"`, "out", "err", "exit: 7", "from stdin",
			"output: 10000 lines, 48894 bytes; errors: 5 lines, 10 bytes", "exit: 2300218",
			"round f3: 700000 bytes are the same", "removing the machine")
		post(t, proto, binary, a, dir)
		if err := a.Destroy(); err != nil {
			t.Error(err)
		}
		if left, _ := filepath.Glob(dir + "/file-*"); len(left) > 0 {
			t.Error(left)
		}
	})
}

func post(t *testing.T, proto bool, binary string, a packer.Artifact, dir string) {
	for result, want := range map[string]string{"new": "processed probe-b", "same": "probe-b"} {
		p := start(t, proto, binary, "post-processor", "postproc").PostProcessor()
		err := p.Configure(map[string]any{}, value(p.ConfigSpec(), map[string]cty.Value{
			"result": cty.StringVal(result), "output": cty.StringVal(dir + "/out"), "keep": cty.True,
			"show": cty.True, "states": texts("generated_data", "bytes", "nested", "unsigned", "nothing"),
		}))
		if err != nil {
			t.Fatal(err)
		}
		ui := newScreen()
		out, keep, force, err := p.PostProcess(context.Background(), ui, a)
		if err != nil || !keep || force || out.Id() != want {
			t.Error(result, keep, force, err)
		}
		ui.wants(t, "input: ingot.probe; probe-b;", "state bytes: []uint8 [0,1,254,255]",
			"state unsigned: uint64 9223372036854775808", "state nothing: <nil> null")
	}
}

func TestFaults(t *testing.T) {
	each(t, func(t *testing.T, proto bool, binary string) {
		for phase, action := range map[string]string{
			"prepare": "error:no", "run": "panic", "machine": "exit", "connect": "kill", "files": "close", "artifact": "error:late",
		} {
			b := start(t, proto, binary, "builder", plugin.DEFAULT_NAME).Builder()
			_, _, err := b.Prepare(value(b.ConfigSpec(), map[string]cty.Value{
				"label": cty.StringVal("l"), "faults": cty.MapVal(map[string]cty.Value{phase: cty.StringVal(action)}),
			}))
			if phase != "prepare" && err == nil {
				_, err = b.Run(context.Background(), newScreen(), &hook{})
			}
			if err == nil {
				t.Error("nothing happened at", phase)
			}
		}
	})
}

func TestCancel(t *testing.T) {
	each(t, func(t *testing.T, proto bool, binary string) {
		b := start(t, proto, binary, "builder", plugin.DEFAULT_NAME).Builder()
		_, _, err := b.Prepare(value(b.ConfigSpec(), map[string]cty.Value{
			"label": cty.StringVal("l"), "faults": cty.MapVal(map[string]cty.Value{"machine": cty.StringVal("hang")}),
		}))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ui := newScreen()
		ui.Writer = io.MultiWriter(ui, writer(func(p []byte) {
			if strings.Contains(string(p), "starting the machine") {
				cancel()
			}
		}))
		if _, err = b.Run(ctx, ui, &hook{}); err == nil {
			t.Error("was not cancelled")
		}
		ui.wants(t, "removing the machine")
	})
}

type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

func TestData(t *testing.T) {
	each(t, func(t *testing.T, proto bool, binary string) {
		d := start(t, proto, binary, "datasource", "data").Datasource()
		err := d.Configure(value(d.ConfigSpec(), map[string]cty.Value{
			"text": cty.StringVal("t"), "size": cty.NumberIntVal(1 << 20), "words": texts("x"),
		}))
		if err != nil {
			t.Fatal(err)
		}
		v, err := d.Execute()
		if err != nil {
			t.Fatal(err)
		}
		if errs := v.Type().TestConformance(hcldec.ImpliedType(d.OutputSpec())); errs != nil {
			t.Error(errs)
		}
		if len(v.GetAttr("big").AsString()) != 1<<20 || v.GetAttr("table").LengthInt() != 2 {
			t.Error("other values")
		}
	})
}
