// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
)

type artifact struct {
	id     string
	files  []string
	data   any // generated_data
	faults faults
}

func (a *artifact) BuilderId() string { return "ingot.probe" }
func (a *artifact) Files() []string   { return a.files }

func (a *artifact) Id() string {
	a.mustNot("id")
	return a.id
}

func (a *artifact) String() string {
	return fmt.Sprintf("Probe: %s, files: %d", a.id, len(a.files))
}

// One of each kind of Go data that can travel.
func (a *artifact) State(name string) any {
	a.mustNot("state")
	switch name {
	case "generated_data":
		return a.data
	case "text":
		return "text ünïcödé"
	case "number":
		return -7
	case "unsigned":
		return uint64(1) << 63
	case "ratio":
		return 0.25
	case "flag":
		return true
	case "bytes":
		return []byte{0, 1, 254, 255}
	case "list":
		return []string{"a", "b"}
	case "map":
		return map[string]string{"k": "v", "l": "w"}
	case "nested":
		return map[string]any{"list": []any{1, "two", map[string]any{"three": 3.5}}, "none": nil}
	case "par.artifact.metadata":
		return map[string]any{"ProviderName": "probe", "ImageID": a.id, "Labels": map[string]string{"l": "1"}}
	}
	return nil
}

func (a *artifact) Destroy() error {
	if err := a.faults.at(context.Background(), "destroy"); err != nil {
		return err
	}
	for _, name := range a.files {
		if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// These have no way to fail: only the worse faults show.
func (a *artifact) mustNot(phase string) {
	if err := a.faults.at(context.Background(), phase); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
