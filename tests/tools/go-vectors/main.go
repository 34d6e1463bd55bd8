// SPDX-License-Identifier: Apache-2.0

// Writes tests/data/plugin with the libraries that plugins are made of:
//
//	go run . write ../../data/plugin
//
// and reads back what our own encoders wrote:
//
//	go run . check FILE...
//
// A .json file is one value with its type, a .msgpack file one plain value;
// both are printed. Not run by the build.
package main

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/rpc"
	"github.com/ugorji/go/codec"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	ctymsgpack "github.com/zclconf/go-cty/cty/msgpack"
	"google.golang.org/protobuf/proto"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

var dir string

func write(name string, data []byte) {
	must(os.WriteFile(filepath.Join(dir, name), data, 0o644))
}

func gobOf(v any) []byte {
	var b bytes.Buffer
	must(gob.NewEncoder(&b).Encode(v))
	return b.Bytes()
}

func writeSchema(name string, spec hcldec.ObjectSpec, alsoProtobuf bool) {
	ty, err := ctyjson.MarshalType(hcldec.ImpliedType(spec).WithoutOptionalAttributesDeep())
	must(err)
	write("schema-"+name+".json", append(ty, '\n'))
	write("schema-"+name+".gob", gobOf(spec))
	if !alsoProtobuf {
		return
	}
	tree, err := rpc.ToProto(spec)
	must(err)
	raw, err := proto.Marshal(tree)
	must(err)
	write("schema-"+name+".pb", raw)
}

func writeValue(name string, v cty.Value) {
	text, err := ctyjson.Marshal(v, cty.DynamicPseudoType)
	must(err)
	write("value-"+name+".json", append(text, '\n'))
	write("value-"+name+".gob", gobOf(&v))
	packed, err := ctymsgpack.Marshal(v, cty.DynamicPseudoType)
	must(err)
	write("value-"+name+".msgpack", packed)
}

func writePacked(name string, v any) {
	var b []byte
	must(codec.NewEncoderBytes(&b, &codec.MsgpackHandle{WriteExt: true}).Encode(v))
	write("packed-"+name+".msgpack", b)
}

func check(path string) {
	data, err := os.ReadFile(path)
	must(err)
	if filepath.Ext(path) == ".json" {
		v, err := ctyjson.Unmarshal(data, cty.DynamicPseudoType)
		must(err)
		fmt.Printf("%s: %#v\n", path, v)
		return
	}
	var v any
	must(codec.NewDecoderBytes(data, &codec.MsgpackHandle{WriteExt: true}).Decode(&v))
	fmt.Printf("%s: %#v\n", path, v)
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "write" {
		dir = os.Args[2]
		writeExits()
		writeSchemas()
		writeValues()
		writeAllPacked()
		return
	}
	if len(os.Args) > 2 && os.Args[1] == "check" {
		for _, path := range os.Args[2:] {
			check(path)
		}
		return
	}
	fmt.Fprintln(os.Stderr, "usage: go-vectors write DIR | check FILE...")
	os.Exit(2)
}

func writePackedValue(name string, v cty.Value) {
	packed, err := ctymsgpack.Marshal(v, cty.DynamicPseudoType)
	must(err)
	write("value-"+name+".msgpack", packed)
}
