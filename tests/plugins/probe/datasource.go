// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strings"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/zclconf/go-cty/cty"
)

type datasource struct {
	config DataConfig
}

func (d *datasource) ConfigSpec() hcldec.ObjectSpec { return d.config.FlatMapstructure().HCL2Spec() }

func (d *datasource) Configure(raws ...any) error {
	if err := decode(&d.config, &d.config.ctx, nil, raws); err != nil {
		return err
	}
	if err := faults(d.config.Faults).at(context.Background(), "prepare"); err != nil {
		return err
	}
	var errs *packer.MultiError
	for _, text := range d.config.PrepareErrors {
		errs = packer.MultiErrorAppend(errs, errors.New(text))
	}
	if errs != nil {
		return errs
	}
	return nil
}

func attr(name string, t cty.Type) hcldec.Spec { return &hcldec.AttrSpec{Name: name, Type: t} }

// One of each kind of node and type.
func (d *datasource) OutputSpec() hcldec.ObjectSpec {
	if err := faults(d.config.Faults).at(context.Background(), "output"); err != nil {
		panic(err)
	}
	words := cty.List(cty.String)
	deep := hcldec.ObjectSpec{"level": attr("level", cty.Number), "words": attr("words", words)}
	return hcldec.ObjectSpec{
		"text":    attr("text", cty.String),
		"big":     attr("big", cty.String),
		"number":  attr("number", cty.Number),
		"flag":    attr("flag", cty.Bool),
		"words":   attr("words", words),
		"numbers": attr("numbers", cty.List(cty.Number)),
		"table":   attr("table", cty.List(words)),
		"tags":    attr("tags", cty.Map(cty.String)),
		"none":    attr("none", cty.String),
		"one": &hcldec.BlockSpec{TypeName: "one", Nested: hcldec.ObjectSpec{
			"title": attr("title", cty.String),
			"deep":  &hcldec.BlockSpec{TypeName: "deep", Nested: deep},
		}},
		"many": &hcldec.BlockListSpec{TypeName: "many", Nested: hcldec.ObjectSpec{
			"key":  attr("key", cty.String),
			"deep": &hcldec.BlockListSpec{TypeName: "deep", Nested: deep},
		}},
	}
}

func texts(l []string) cty.Value {
	if len(l) == 0 {
		return cty.ListValEmpty(cty.String)
	}
	vs := []cty.Value{}
	for _, s := range l {
		vs = append(vs, cty.StringVal(s))
	}
	return cty.ListVal(vs)
}

func deepValue(level int64, words []string) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"level": cty.NumberIntVal(level), "words": texts(words)})
}

func (d *datasource) Execute() (cty.Value, error) {
	c := &d.config
	if err := faults(c.Faults).at(context.Background(), "execute"); err != nil {
		return cty.NullVal(cty.EmptyObject), err
	}
	tags := cty.MapValEmpty(cty.String)
	if len(c.Tags) > 0 {
		m := map[string]cty.Value{}
		for k, v := range c.Tags {
			m[k] = cty.StringVal(v)
		}
		tags = cty.MapVal(m)
	}
	manyType := hcldec.ImpliedType(d.OutputSpec()["many"]).ElementType()
	many := cty.ListValEmpty(manyType)
	if len(c.Many) > 0 {
		vs := []cty.Value{}
		for _, e := range c.Many {
			deep := cty.ListValEmpty(manyType.AttributeType("deep").ElementType())
			for _, x := range e.Deep {
				deep = cty.ListVal(append(deep.AsValueSlice(), deepValue(x.Level, x.Words)))
			}
			vs = append(vs, cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(e.Key), "deep": deep}))
		}
		many = cty.ListVal(vs)
	}
	return cty.ObjectVal(map[string]cty.Value{
		"text":    cty.StringVal(c.Text),
		"big":     cty.StringVal(strings.Repeat("0123456789abcdef", c.Size/16)),
		"number":  cty.NumberIntVal(c.Number),
		"flag":    cty.True,
		"words":   texts(c.Words),
		"numbers": cty.ListVal([]cty.Value{cty.NumberIntVal(-1), cty.NumberFloatVal(0.5), cty.MustParseNumberVal("123456789012345678901234567890")}),
		"table":   cty.ListVal([]cty.Value{texts([]string{"a", "b"}), texts(nil)}),
		"tags":    tags,
		"none":    cty.NullVal(cty.String),
		"one": cty.ObjectVal(map[string]cty.Value{
			"title": cty.StringVal("one"), "deep": deepValue(2, []string{"w"}),
		}),
		"many": many,
	}), nil
}
