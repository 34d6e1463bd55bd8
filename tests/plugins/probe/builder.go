// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/communicator"
	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"github.com/hashicorp/packer-plugin-sdk/multistep/commonsteps"
	"github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"
)

type builder struct {
	config BuilderConfig
}

// `label` is required, which the SDK's generator cannot say.
func (b *builder) ConfigSpec() hcldec.ObjectSpec {
	spec := b.config.FlatMapstructure().HCL2Spec()
	spec["label"] = &hcldec.AttrSpec{Name: "label", Type: hcldec.ImpliedType(spec["label"]), Required: true}
	return spec
}

func (b *builder) Prepare(raws ...any) ([]string, []string, error) {
	if err := decode(&b.config, &b.config.ctx, nil, raws); err != nil {
		return nil, nil, err
	}
	c := &b.config
	if c.Secret != "" {
		packer.LogSecretFilter.Set(c.Secret)
	}
	if err := faults(c.Faults).at(context.Background(), "prepare"); err != nil {
		return nil, nil, err
	}
	var errs *packer.MultiError
	for _, text := range c.PrepareErrors {
		errs = packer.MultiErrorAppend(errs, errors.New(text))
	}
	if c.Label == "" {
		errs = packer.MultiErrorAppend(errs, errors.New("'label' must be set"))
	}
	if c.Comm.Type == "" {
		c.Comm.Type = "local"
	}
	if c.Comm.Type != "local" {
		errs = packer.MultiErrorAppend(errs, c.Comm.Prepare(&c.ctx)...)
	}
	if errs != nil && len(errs.Errors) > 0 {
		return nil, c.PrepareWarnings, errs
	}
	return []string{"ProbeId", "ProbeNumber", "ProbeRatio", "ProbeFlag", "ProbeNumbers"}, c.PrepareWarnings, nil
}

func (b *builder) Run(ctx context.Context, ui packer.Ui, hook packer.Hook) (packer.Artifact, error) {
	c := &b.config
	state := new(multistep.BasicStateBag)
	state.Put("hook", hook)
	state.Put("ui", ui)
	if err := faults(c.Faults).at(ctx, "run"); err != nil {
		return nil, err
	}
	if c.Show {
		ui.Say("options: " + shown(b.options()))
	}
	if err := speak(ui, c); err != nil {
		return nil, err
	}
	steps := []multistep.Step{
		&stepMachine{c},
		&communicator.StepConnect{
			Config:        &c.Comm,
			Host:          func(multistep.StateBag) (string, error) { return c.Comm.SSHHost, nil },
			SSHConfig:     c.Comm.SSHConfigFunc(),
			CustomConnect: map[string]multistep.Step{"local": &stepConnectLocal{c}},
		},
	}
	if !c.NoHook {
		steps = append(steps, new(commonsteps.StepProvision))
	}
	steps = append(steps, &stepFiles{c})
	commonsteps.NewRunner(steps, c.PackerConfig, ui).Run(ctx, state)
	return b.result(ctx, ui, state)
}

func (b *builder) result(ctx context.Context, ui packer.Ui, state multistep.StateBag) (packer.Artifact, error) {
	if err, ok := state.GetOk("error"); ok {
		return nil, err.(error)
	}
	if _, ok := state.GetOk(multistep.StateCancelled); ok {
		return nil, errors.New("build was cancelled")
	}
	if _, ok := state.GetOk(multistep.StateHalted); ok {
		return nil, errors.New("build was halted")
	}
	if err := faults(b.config.Faults).at(ctx, "artifact"); err != nil {
		return nil, err
	}
	if b.config.NilArtifact {
		return nil, nil
	}
	id := b.config.ArtifactID
	if id == "" {
		id = "probe-" + b.config.PackerBuildName
	}
	return &artifact{
		id:     id,
		files:  state.Get("files").([]string),
		data:   state.Get("generated_data"),
		faults: b.config.Faults,
	}, nil
}

// What a template said, without what only a test would say.
func (b *builder) options() map[string]any {
	c := &b.config
	return map[string]any{
		"label": c.Label, "text": c.Text, "number": c.Number, "ratio": c.Ratio, "flag": c.Flag,
		"maybe": c.Maybe.ToString(), "length": c.Length.String(), "words": c.Words,
		"numbers": c.Numbers, "table": c.Table, "tags": c.Tags, "one": c.One, "many": c.Many,
		"secret": c.Secret, "build": c.PackerBuildName, "type": c.PackerBuilderType,
		"debug": c.PackerDebug, "force": c.PackerForce, "on_error": c.PackerOnError,
	}
}

// Every way there is to talk.
func speak(ui packer.Ui, c *BuilderConfig) error {
	if c.Speak {
		ui.Say("say: plain")
		ui.Sayf("sayf: %d %s", 7, "seven")
		ui.Say("say: two\nlines")
		ui.Message("message: plain")
		ui.Error("error: plain")
		ui.Errorf("errorf: %d", 8)
		ui.Machine("probe-event", "one", "two,three", "four\nfive")
		ui.Say("say: ünïcödé ✓")
	}
	if c.Ask != "" {
		answer, err := ui.Ask(c.Ask)
		if err != nil {
			return fmt.Errorf("no answer: %w", err)
		}
		ui.Say("answer: " + answer)
	}
	if c.Progress > 0 {
		track(ui, "probe.img", c.Progress)
	}
	return nil
}

func track(ui packer.Ui, name string, size int64) {
	body := ui.TrackProgress(name, 0, size, io.NopCloser(io.LimitReader(zeros{}, size)))
	defer body.Close()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, body, make([]byte, 64*1024))
	ui.Sayf("progress: %d bytes, %v", n, err)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// The folder of the machine, where none was named: made and removed.
type stepMachine struct {
	config *BuilderConfig
}

func (s *stepMachine) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	ui := state.Get("ui").(packer.Ui)
	ui.Say("starting the machine")
	if err := s.start(ctx, state); err != nil {
		state.Put("error", err)
		return multistep.ActionHalt
	}
	return multistep.ActionContinue
}

func (s *stepMachine) start(ctx context.Context, state multistep.StateBag) error {
	dir, err := s.config.MachineDir, error(nil)
	if dir == "" {
		dir, err = os.MkdirTemp("", "probe-machine")
	} else {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return err
	}
	state.Put("machine_dir", dir)
	state.Put("instance_id", "machine-"+s.config.PackerBuildName)
	state.Put("generated_data", map[string]any{
		"ProbeId": "id of " + s.config.PackerBuildName, "ProbeNumber": 42, "ProbeRatio": 0.5,
		"ProbeFlag": true, "ProbeNumbers": []int{1, 2, 300},
	})
	return faults(s.config.Faults).at(ctx, "machine")
}

func (s *stepMachine) Cleanup(state multistep.StateBag) {
	ui := state.Get("ui").(packer.Ui)
	ui.Say("removing the machine")
	if err := faults(s.config.Faults).at(context.Background(), "cleanup"); err != nil {
		ui.Error("cannot clean up: " + err.Error())
	}
	if dir, ok := state.GetOk("machine_dir"); ok && s.config.MachineDir == "" {
		os.RemoveAll(dir.(string))
	}
}

type stepConnectLocal struct {
	config *BuilderConfig
}

func (s *stepConnectLocal) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	if err := faults(s.config.Faults).at(ctx, "connect"); err != nil {
		state.Put("error", err)
		return multistep.ActionHalt
	}
	state.Put("communicator", &machine{dir: state.Get("machine_dir").(string), faults: s.config.Faults})
	return multistep.ActionContinue
}

func (s *stepConnectLocal) Cleanup(multistep.StateBag) {}

// The artifact's files.
type stepFiles struct {
	config *BuilderConfig
}

func (s *stepFiles) Run(ctx context.Context, state multistep.StateBag) multistep.StepAction {
	files, err := s.write(ctx)
	if err != nil {
		state.Put("error", err)
		return multistep.ActionHalt
	}
	state.Put("files", files)
	return multistep.ActionContinue
}

func (s *stepFiles) write(ctx context.Context) ([]string, error) {
	if err := faults(s.config.Faults).at(ctx, "files"); err != nil {
		return nil, err
	}
	files := []string{}
	for i := range s.config.Files {
		name := filepath.Join(s.config.OutputDir, fmt.Sprintf("file-%d", i))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, err
		}
		text := bytes.Repeat([]byte(fmt.Sprintf("%s %d\n", s.config.Label, i)), 10)
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return nil, err
		}
		files = append(files, name)
	}
	return files, nil
}

func (s *stepFiles) Cleanup(state multistep.StateBag) {
	_, cancelled := state.GetOk(multistep.StateCancelled)
	_, halted := state.GetOk(multistep.StateHalted)
	if !cancelled && !halted {
		return
	}
	for i := range s.config.Files {
		os.Remove(filepath.Join(s.config.OutputDir, fmt.Sprintf("file-%d", i)))
	}
}

// The least that a builder can be: no machine, no options.
type bareBuilder struct {
	config BareConfig
}

func (b *bareBuilder) ConfigSpec() hcldec.ObjectSpec { return b.config.FlatMapstructure().HCL2Spec() }

func (b *bareBuilder) Prepare(raws ...any) ([]string, []string, error) {
	return nil, nil, decode(&b.config, new(interpolate.Context), nil, raws)
}

func (b *bareBuilder) Run(ctx context.Context, ui packer.Ui, hook packer.Hook) (packer.Artifact, error) {
	if err := hook.Run(ctx, packer.HookProvision, ui, &machine{dir: os.TempDir()}, nil); err != nil {
		return nil, err
	}
	return &artifact{id: "bare"}, nil
}
