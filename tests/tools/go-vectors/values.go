// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/big"
	"time"

	"github.com/zclconf/go-cty/cty"
)

func number(text string) cty.Value { return cty.MustParseNumberVal(text) }

func bigNumbers() cty.Value {
	third, _, _ := big.ParseFloat("0.333333333333333333333333333333333", 10, 200, big.ToNearestEven)
	return cty.TupleVal([]cty.Value{
		cty.NumberIntVal(0), cty.NumberIntVal(42), cty.NumberIntVal(-5),
		cty.NumberIntVal(9223372036854775807), cty.NumberIntVal(-9223372036854775808),
		cty.NumberUIntVal(18446744073709551615), cty.NumberFloatVal(0.1), cty.NumberFloatVal(-1.5),
		cty.NumberFloatVal(1e300), cty.NumberFloatVal(5e-323), number("0.1"),
		number("123456789012345678901234567890.5"), number("1e-40"), number("-0.5"),
		number("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899"),
		cty.NumberVal(third),
	})
}

func everything() cty.Value {
	return cty.ObjectVal(map[string]cty.Value{
		"string":      cty.StringVal("<a> & \"ü\" \u2028\n"),
		"empty":       cty.StringVal(""),
		"bool":        cty.True,
		"off":         cty.False,
		"zero":        cty.Zero,
		"null_string": cty.NullVal(cty.String),
		"null_object": cty.NullVal(cty.Object(map[string]cty.Type{"a": cty.Bool})),
		"list":        cty.ListVal([]cty.Value{cty.StringVal("a"), cty.NullVal(cty.String), cty.StringVal("b")}),
		"empty_list":  cty.ListValEmpty(cty.Number),
		"numbers":     cty.ListVal([]cty.Value{cty.NumberIntVal(1), cty.NumberFloatVal(2.5)}),
		"set":         cty.SetVal([]cty.Value{cty.StringVal("y"), cty.StringVal("x")}),
		"set_objects": cty.SetVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"k": cty.StringVal("v")})}),
		"map":         cty.MapVal(map[string]cty.Value{"z": cty.True, "a": cty.False}),
		"empty_map":   cty.MapValEmpty(cty.String),
		"tuple":       cty.TupleVal([]cty.Value{cty.NumberIntVal(1), cty.StringVal("two"), cty.EmptyTupleVal}),
		"object":      cty.ObjectVal(map[string]cty.Value{"inner": cty.EmptyObjectVal}),
		"blocks": cty.ListVal([]cty.Value{
			cty.ObjectVal(map[string]cty.Value{"n": cty.NumberIntVal(7), "s": cty.NullVal(cty.String)}),
			cty.ObjectVal(map[string]cty.Value{"n": cty.NullVal(cty.Number), "s": cty.StringVal("t")}),
		}),
	})
}

func writeValues() {
	writeValue("numbers", bigNumbers())
	writeValue("everything", everything())
	writeValue("string", cty.StringVal("one"))
	writeValue("null", cty.NullVal(cty.List(cty.String)))
	writeValue("small", cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal("x"), "n": cty.NumberIntVal(-7)}))
	writeUnknown()
	writeLateExit()
}

// Neither JSON nor gob have these.
func writeUnknown() {
	writePackedValue("unknown", cty.ObjectVal(map[string]cty.Value{
		"known":   cty.StringVal("k"),
		"unknown": cty.UnknownVal(cty.String),
		"refined": cty.UnknownVal(cty.String).Refine().NotNull().StringPrefix("ami-").NewValue(),
		"number":  cty.UnknownVal(cty.Number),
		"bool":    cty.UnknownVal(cty.Bool),
		"list":    cty.UnknownVal(cty.List(cty.String)),
	}))
	writePackedValue("infinite", cty.TupleVal([]cty.Value{cty.PositiveInfinity, cty.NegativeInfinity}))
	writePackedValue("dynamic", cty.ObjectVal(map[string]cty.Value{
		"unknown": cty.DynamicVal, "null": cty.NullVal(cty.DynamicPseudoType)}))
}

func writeAllPacked() {
	writePacked("generated", map[string]any{
		"ID":           "i-0123",
		"Port":         int64(22),
		"Big":          uint64(18446744073709551615),
		"Float":        2.5,
		"SSHAgentAuth": false,
		"Nothing":      nil,
		"Bytes":        []byte{1, 2, 255},
		"Numbers":      []int{3, -4, 500},
		"Names":        []string{"a", "b"},
		"Empty":        []string{},
		"Map":          map[string]any{"k": []any{1, "x"}},
		"When":         time.Date(2023, 11, 14, 22, 13, 20, 123456789, time.UTC),
		"Negative":     int32(-100000),
	})
}
