// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/gob"
	"fmt"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/rpc"
	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/zclconf/go-cty/cty"
)

func attr(name string, ty cty.Type, required bool) *hcldec.AttrSpec {
	return &hcldec.AttrSpec{Name: name, Type: ty, Required: required}
}

// What the generator makes of the structs that every component embeds.
func common() hcldec.ObjectSpec {
	return hcldec.ObjectSpec{
		"packer_build_name":          attr("packer_build_name", cty.String, false),
		"packer_debug":               attr("packer_debug", cty.Bool, false),
		"packer_user_variables":      attr("packer_user_variables", cty.Map(cty.String), false),
		"packer_sensitive_variables": attr("packer_sensitive_variables", cty.List(cty.String), false),
		"boot_wait":                  attr("boot_wait", cty.String, false),
		"cpus":                       attr("cpus", cty.Number, true),
		"qemuargs":                   attr("qemuargs", cty.List(cty.List(cty.String)), false),
		"numbers":                    attr("numbers", cty.Map(cty.List(cty.Number)), false),
		"renamed":                    attr("other_name", cty.Bool, true),
	}
}

func wide() hcldec.ObjectSpec {
	spec := common()
	types := []cty.Type{cty.String, cty.Bool, cty.Number, cty.List(cty.String), cty.Map(cty.String)}
	for i := 0; i < 100; i++ {
		name := fmt.Sprintf("option_%03d", i)
		spec[name] = attr(name, types[i%len(types)], i%7 == 0)
	}
	return spec
}

func blocks() hcldec.ObjectSpec {
	spec := common()
	tags := hcldec.ObjectSpec(new(config.FlatKeyValue).HCL2Spec())
	ebs := hcldec.ObjectSpec{
		"device_name": attr("device_name", cty.String, false),
		"encrypted":   attr("encrypted", cty.Bool, false),
		"tag":         &hcldec.BlockListSpec{TypeName: "tag", Nested: tags},
	}
	spec["tag"] = &hcldec.BlockListSpec{TypeName: "tag", Nested: tags}
	spec["launch_block_device_mappings"] = &hcldec.BlockListSpec{
		TypeName: "launch_block_device_mappings", Nested: ebs}
	spec["filter"] = &hcldec.BlockSpec{TypeName: "filter", Required: true, Nested: hcldec.ObjectSpec{
		"filters":     attr("filters", cty.Map(cty.String), false),
		"most_recent": attr("most_recent", cty.Bool, false),
		"disk":        &hcldec.BlockListSpec{TypeName: "disk", Nested: ebs},
		"inner":       &hcldec.BlockSpec{TypeName: "inner", Nested: hcldec.ObjectSpec{}},
	}}
	return spec
}

// Every other node that has a wire form, and the types that only gob has.
func kinds() hcldec.ObjectSpec {
	for _, s := range []any{&hcldec.BlockObjectSpec{}, &hcldec.BlockAttrsSpec{}, &hcldec.BlockTupleSpec{}} {
		gob.Register(s)
	}
	size := hcldec.ObjectSpec{"size": attr("size", cty.Number, false)}
	return hcldec.ObjectSpec{
		"tuple": hcldec.TupleSpec{attr("a", cty.String, true), attr("b", cty.Set(cty.Number), false)},
		"literal": &hcldec.LiteralSpec{Value: cty.ObjectVal(map[string]cty.Value{
			"n": cty.MustParseNumberVal("0.1"), "s": cty.StringVal("ü")})},
		"default": &hcldec.DefaultSpec{Primary: attr("d", cty.String, false),
			Default: &hcldec.LiteralSpec{Value: cty.StringVal("x")}},
		"list":   &hcldec.BlockListSpec{TypeName: "list", Nested: size, MinItems: 1, MaxItems: 300},
		"set":    &hcldec.BlockSetSpec{TypeName: "set", Nested: size, MaxItems: 2},
		"btuple": &hcldec.BlockTupleSpec{TypeName: "btuple", Nested: size, MinItems: 2},
		"map":    &hcldec.BlockMapSpec{TypeName: "map", LabelNames: []string{"k"}, Nested: size},
		"object": &hcldec.BlockObjectSpec{TypeName: "object", LabelNames: []string{"k", "l"}, Nested: size},
		"attrs":  &hcldec.BlockAttrsSpec{TypeName: "attrs", ElementType: cty.String, Required: true},
		"label": &hcldec.BlockListSpec{TypeName: "label", Nested: hcldec.ObjectSpec{
			"name": &hcldec.BlockLabelSpec{Index: 1, Name: "name"}}},
		"optional": attr("optional", cty.ObjectWithOptionalAttrs(map[string]cty.Type{
			"p": cty.Bool, "q": cty.Bool}, []string{"q"}), false),
		"deep": attr("deep", cty.Tuple([]cty.Type{cty.Bool, cty.Object(map[string]cty.Type{
			"a": cty.List(cty.Object(map[string]cty.Type{"b": cty.EmptyTuple}))})}), false),
	}
}

func writeSchemas() {
	writeSchema("empty", hcldec.ObjectSpec{}, true)
	writeSchema("simple", hcldec.ObjectSpec{"name": attr("name", cty.String, true)}, true)
	writeSchema("common", common(), true)
	writeSchema("wide", wide(), true)
	writeSchema("blocks", blocks(), true)
	writeSchema("kinds", kinds(), false)
	// ExprSpec is registered with gob, too; nobody but Go could use it.
	write("schema-unknown.gob", gobOf(hcldec.ObjectSpec{"x": hcldec.ObjectSpec{"e": &hcldec.ExprSpec{}}}))
}

// First, for the type numbers of a process that has used gob for nothing else.
func writeExits() {
	for _, status := range []int{0, 7, -1, 2300218, 3221225477} {
		write(fmt.Sprintf("exit-%d.gob", status), gobOf(&rpc.CommandFinished{ExitStatus: status}))
	}
}

// The numbers of types depend on what was sent before; this one is not the SDK's, but has its shape.
func writeLateExit() {
	type CommandFinished struct{ ExitStatus int }
	write("exit-late-42.gob", gobOf(&CommandFinished{42}))
}
