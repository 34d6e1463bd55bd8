// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"
)

type postProcessor struct {
	config PostConfig
}

func (p *postProcessor) ConfigSpec() hcldec.ObjectSpec {
	return p.config.FlatMapstructure().HCL2Spec()
}

func (p *postProcessor) Configure(raws ...any) error {
	if err := decode(&p.config, &p.config.ctx, []string{"text"}, raws); err != nil {
		return err
	}
	if err := faults(p.config.Faults).at(context.Background(), "prepare"); err != nil {
		return err
	}
	var errs *packer.MultiError
	for _, text := range p.config.PrepareErrors {
		errs = packer.MultiErrorAppend(errs, errors.New(text))
	}
	switch p.config.Result {
	case "", "new", "same", "nil", "error":
	default:
		errs = packer.MultiErrorAppend(errs, fmt.Errorf("'result' cannot be '%s'", p.config.Result))
	}
	if errs != nil {
		return errs
	}
	return nil
}

func (p *postProcessor) PostProcess(ctx context.Context, ui packer.Ui, in packer.Artifact) (packer.Artifact, bool, bool, error) {
	c := &p.config
	if err := faults(c.Faults).at(ctx, "process"); err != nil {
		return nil, false, false, err
	}
	if c.Show {
		ui.Sayf("input: %s; %s; %s; %s", in.BuilderId(), in.Id(), in.String(), shown(in.Files()))
	}
	for _, name := range c.States {
		v := in.State(name)
		ui.Sayf("state %s: %T %s", name, v, shown(v))
	}
	if data, ok := in.State("generated_data").(map[any]any); ok {
		c.ctx.Data = data
	}
	if c.Text != "" {
		text, err := interpolate.Render(c.Text, &c.ctx)
		if err != nil {
			return nil, false, false, err
		}
		ui.Say("text: " + text)
	}
	if c.Ask != "" {
		answer, err := ui.Ask(c.Ask)
		if err != nil {
			return nil, false, false, err
		}
		ui.Say("answer: " + answer)
	}
	if c.Progress > 0 {
		track(ui, "postproc.img", c.Progress)
	}
	if c.DestroyInput {
		ui.Sayf("destroyed: %v", in.Destroy())
	}
	out, err := p.result(in)
	if err == nil {
		err = faults(c.Faults).at(ctx, "processed")
	}
	return out, c.Keep, c.ForceOverride, err
}

func (p *postProcessor) result(in packer.Artifact) (packer.Artifact, error) {
	switch p.config.Result {
	case "same":
		return in, nil
	case "nil":
		return nil, nil
	case "error":
		return nil, errors.New("told to fail")
	}
	out := &artifact{id: "processed " + in.Id(), data: in.State("generated_data"), faults: p.config.Faults}
	if p.config.Output != "" {
		if err := os.MkdirAll(filepath.Dir(p.config.Output), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(p.config.Output, []byte(shown(in.Files())+"\n"), 0o644); err != nil {
			return nil, err
		}
		out.files = []string{p.config.Output}
	}
	return out, nil
}
