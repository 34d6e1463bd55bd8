// SPDX-License-Identifier: Apache-2.0

//go:generate packer-sdc mapstructure-to-hcl2 -type BuilderConfig,One,Deep,Many,ProvisionerConfig,Step,PostConfig,DataConfig,BareConfig

package main

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/hashicorp/packer-plugin-sdk/common"
	"github.com/hashicorp/packer-plugin-sdk/communicator"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"
)

// A block with a block.
type One struct {
	Title string `mapstructure:"title"`
	Deep  Deep   `mapstructure:"deep"`
}

type Deep struct {
	Level int64    `mapstructure:"level"`
	Words []string `mapstructure:"words"`
}

// A block of which there may be several, with several blocks.
type Many struct {
	Key   string `mapstructure:"key"`
	Value string `mapstructure:"value"`
	Deep  []Deep `mapstructure:"deep"`
}

// One of each kind of option there is.
type BuilderConfig struct {
	common.PackerConfig `mapstructure:",squash"`
	Comm                communicator.Config `mapstructure:",squash"`

	Label   string            `mapstructure:"label" required:"true"`
	Text    string            `mapstructure:"text"`
	Number  int64             `mapstructure:"number"`
	Ratio   float64           `mapstructure:"ratio"`
	Flag    bool              `mapstructure:"flag"`
	Maybe   config.Trilean    `mapstructure:"maybe"`
	Length  time.Duration     `mapstructure:"length"`
	Words   []string          `mapstructure:"words"`
	Numbers []int64           `mapstructure:"numbers"`
	Table   [][]string        `mapstructure:"table"`
	Tags    map[string]string `mapstructure:"tags"`
	One     One               `mapstructure:"one"`
	Many    []Many            `mapstructure:"many"`
	Secret  string            `mapstructure:"secret"`

	// Shows the options above, as they arrived.
	Show bool `mapstructure:"show"`
	// Where the communicator "local" works: commands run there, files with relative names go there.
	MachineDir string `mapstructure:"machine_dir"`
	// The artifact: its files, the folder they are in, what it is called.
	OutputDir  string `mapstructure:"output_dir"`
	Files      int    `mapstructure:"files"`
	ArtifactID string `mapstructure:"artifact_id"`
	// What it does otherwise than others.
	PrepareErrors   []string          `mapstructure:"prepare_errors"`
	PrepareWarnings []string          `mapstructure:"prepare_warnings"`
	Faults          map[string]string `mapstructure:"faults"`
	NoHook          bool              `mapstructure:"no_hook"`
	NilArtifact     bool              `mapstructure:"nil_artifact"`
	Speak           bool              `mapstructure:"speak"`
	Ask             string            `mapstructure:"ask"`
	Progress        int64             `mapstructure:"progress"`

	ctx interpolate.Context
}

type BareConfig struct {
	common.PackerConfig `mapstructure:",squash"`
}

// One thing that the provisioner does; what the others mean depends on `do`.
type Step struct {
	Do       string   `mapstructure:"do" required:"true"`
	Command  string   `mapstructure:"command"`
	Stdin    string   `mapstructure:"stdin"`
	Expect   int      `mapstructure:"expect"`
	Quiet    bool     `mapstructure:"quiet"`
	Path     string   `mapstructure:"path"`
	Source   string   `mapstructure:"source"`
	Size     int64    `mapstructure:"size"`
	Exclude  []string `mapstructure:"exclude"`
	Text     string   `mapstructure:"text"`
	Parallel int      `mapstructure:"parallel"`
}

type ProvisionerConfig struct {
	common.PackerConfig `mapstructure:",squash"`

	Steps         []Step            `mapstructure:"step"`
	Text          string            `mapstructure:"text"`
	Tags          map[string]string `mapstructure:"tags"`
	PrepareErrors []string          `mapstructure:"prepare_errors"`
	Faults        map[string]string `mapstructure:"faults"`

	ctx interpolate.Context
}

type PostConfig struct {
	common.PackerConfig `mapstructure:",squash"`

	// What comes out: "new", "same", "nil" or "error".
	Result        string            `mapstructure:"result"`
	Keep          bool              `mapstructure:"keep"`
	ForceOverride bool              `mapstructure:"force_override"`
	Output        string            `mapstructure:"output"`
	Text          string            `mapstructure:"text"`
	States        []string          `mapstructure:"states"`
	Show          bool              `mapstructure:"show"`
	DestroyInput  bool              `mapstructure:"destroy_input"`
	Progress      int64             `mapstructure:"progress"`
	Ask           string            `mapstructure:"ask"`
	PrepareErrors []string          `mapstructure:"prepare_errors"`
	Faults        map[string]string `mapstructure:"faults"`

	ctx interpolate.Context
}

type DataConfig struct {
	common.PackerConfig `mapstructure:",squash"`

	Text          string            `mapstructure:"text"`
	Number        int64             `mapstructure:"number"`
	Words         []string          `mapstructure:"words"`
	Tags          map[string]string `mapstructure:"tags"`
	Many          []Many            `mapstructure:"many"`
	Size          int               `mapstructure:"size"`
	PrepareErrors []string          `mapstructure:"prepare_errors"`
	Faults        map[string]string `mapstructure:"faults"`

	ctx interpolate.Context
}

// Into what points to one of the above, with the `{{ }}` of old templates rendered. `except` are
// rendered later.
func decode(target any, ctx *interpolate.Context, except []string, raws []any) error {
	*ctx = interpolate.Context{}
	return config.Decode(target, &config.DecodeOpts{
		Interpolate:        true,
		InterpolateContext: ctx,
		InterpolateFilter:  &interpolate.RenderFilter{Exclude: except},
	}, raws...)
}

// For a person and for grep: JSON on one line, members of maps in order.
func shown(v any) string {
	var sb strings.Builder
	e := json.NewEncoder(&sb)
	e.SetEscapeHTML(false)
	if err := e.Encode(plain(v)); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(sb.String(), "\n")
}

// Maps from the wire have keys of any kind, those of JSON only text; bytes are shown as numbers.
func plain(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := map[string]any{}
		for k, e := range v {
			if text, ok := k.(string); ok {
				m[text] = plain(e)
			}
		}
		return m
	case map[string]any:
		m := map[string]any{}
		for k, e := range v {
			m[k] = plain(e)
		}
		return m
	case []any:
		l := []any{}
		for _, e := range v {
			l = append(l, plain(e))
		}
		return l
	case []byte:
		l := []int{}
		for _, e := range v {
			l = append(l, int(e))
		}
		return l
	}
	return v
}
