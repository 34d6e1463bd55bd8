// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/packer-plugin-sdk/packer"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"
)

type provisioner struct {
	config ProvisionerConfig
}

func (p *provisioner) ConfigSpec() hcldec.ObjectSpec { return p.config.FlatMapstructure().HCL2Spec() }

func (p *provisioner) Prepare(raws ...any) error {
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
	if errs != nil {
		return errs
	}
	return nil
}

func (p *provisioner) Provision(ctx context.Context, ui packer.Ui, comm packer.Communicator, data map[string]any) error {
	if err := faults(p.config.Faults).at(ctx, "provision"); err != nil {
		return err
	}
	if p.config.Text != "" {
		p.config.ctx.Data = data
		text, err := interpolate.Render(p.config.Text, &p.config.ctx)
		if err != nil {
			return err
		}
		ui.Say("text: " + text)
	}
	if len(p.config.Tags) > 0 {
		ui.Say("tags: " + shown(p.config.Tags))
	}
	do := doer{ctx, ui, comm, data}
	for _, step := range p.config.Steps {
		if err := do.step(step); err != nil {
			return fmt.Errorf("%s: %w", step.Do, err)
		}
	}
	return faults(p.config.Faults).at(ctx, "provisioned")
}

type doer struct {
	ctx  context.Context
	ui   packer.Ui
	comm packer.Communicator
	data map[string]any
}

func (d *doer) step(s Step) error {
	if s.Parallel > 1 {
		return d.parallel(s)
	}
	switch s.Do {
	case "say":
		d.ui.Say(s.Text)
	case "data":
		d.ui.Say("data: " + shown(d.data))
	case "kinds":
		d.kinds()
	case "progress":
		track(d.ui, "provisioner.img", s.Size)
	case "ask":
		answer, err := d.ui.Ask(s.Text)
		if err != nil {
			return err
		}
		d.ui.Say("answer: " + answer)
	case "run":
		return d.run(s)
	case "upload":
		return d.upload(s)
	case "upload_file":
		return d.uploadFile(s)
	case "download":
		return d.download(s)
	case "drop":
		return d.drop(s)
	case "calls":
		d.calls(s)
	case "round":
		return d.round(s)
	case "upload_dir":
		return d.comm.UploadDir(s.Path, s.Source, s.Exclude)
	case "download_dir":
		return d.comm.DownloadDir(s.Path, s.Source, s.Exclude)
	default:
		return fmt.Errorf("there is no such step")
	}
	return nil
}

// The same step several times at once; `%d` in a path, a command or a text is which.
func (d *doer) parallel(s Step) error {
	errs := make([]error, s.Parallel)
	var wg sync.WaitGroup
	for i := range errs {
		one := s
		one.Parallel = 0
		for _, text := range []*string{&one.Path, &one.Command, &one.Text} {
			*text = strings.ReplaceAll(*text, "%d", fmt.Sprint(i))
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = d.step(one)
		}()
	}
	wg.Wait()
	return errors.Join(errs...)
}

// In which kinds of Go data the generated values arrive.
func (d *doer) kinds() {
	kinds := map[string]any{}
	for name, v := range d.data {
		kinds[name] = fmt.Sprintf("%T", v)
	}
	d.ui.Say("kinds: " + shown(kinds))
}

// `quiet`: the output is counted, not shown.
func (d *doer) run(s Step) error {
	cmd := &packer.RemoteCmd{Command: s.Command}
	if s.Stdin != "" {
		cmd.Stdin = strings.NewReader(s.Stdin)
	}
	var out, errOut counter
	if s.Quiet {
		cmd.Stdout, cmd.Stderr = &out, &errOut
		if err := d.comm.Start(d.ctx, cmd); err != nil {
			return err
		}
		cmd.Wait()
		d.ui.Sayf("output: %d lines, %d bytes; errors: %d lines, %d bytes",
			out.lines, out.bytes, errOut.lines, errOut.bytes)
	} else if err := cmd.RunWithUi(d.ctx, d.comm, d.ui); err != nil {
		return err
	}
	status := cmd.ExitStatus()
	if err := d.ctx.Err(); err != nil {
		return err
	}
	d.ui.Sayf("exit: %d", status)
	if status != s.Expect {
		return fmt.Errorf("exit status %d, want %d", status, s.Expect)
	}
	return nil
}

type counter struct{ lines, bytes int }

func (c *counter) Write(p []byte) (int, error) {
	c.lines += bytes.Count(p, []byte("\n"))
	c.bytes += len(p)
	return len(p), nil
}

func (d *doer) upload(s Step) error {
	data := newStream(s.Size)
	if err := d.comm.Upload(s.Path, data, nil); err != nil {
		return err
	}
	d.ui.Sayf("uploaded %s: %d bytes %x", s.Path, data.given, data.sum.Sum(nil))
	return nil
}

func (d *doer) uploadFile(s Step) error {
	f, err := os.Open(s.Source)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return d.comm.Upload(s.Path, f, &info)
}

func (d *doer) download(s Step) error {
	into := newSink()
	if err := d.comm.Download(s.Path, into); err != nil {
		return err
	}
	d.ui.Sayf("downloaded %s: %d bytes %x", s.Path, into.n, into.sum.Sum(nil))
	return nil
}

// There and back.
func (d *doer) round(s Step) error {
	data, into := newStream(s.Size), newSink()
	if err := d.comm.Upload(s.Path, data, nil); err != nil {
		return err
	}
	if err := d.comm.Download(s.Path, into); err != nil {
		return err
	}
	if data.given != s.Size || into.n != s.Size || !bytes.Equal(data.sum.Sum(nil), into.sum.Sum(nil)) {
		return fmt.Errorf("%d bytes went out, %d came back, or others", data.given, into.n)
	}
	d.ui.Sayf("round %s: %d bytes are the same", s.Path, s.Size)
	return nil
}

// Bytes that differ all along, made as they are read.
type stream struct {
	left, given int64
	block       []byte
	sum         hash.Hash
}

func newStream(size int64) *stream {
	s := &stream{left: size, block: make([]byte, 64*1024), sum: sha256.New()}
	seed := uint64(88172645463325252)
	for i := 0; i < len(s.block); i += 8 {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
		binary.LittleEndian.PutUint64(s.block[i:], seed)
	}
	return s
}

func (s *stream) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	binary.LittleEndian.PutUint64(s.block, uint64(s.given))
	n := copy(p[:min(int64(len(p)), s.left)], s.block)
	s.left -= int64(n)
	s.given += int64(n)
	s.sum.Write(p[:n])
	return n, nil
}

type sink struct {
	n   int64
	sum hash.Hash
}

func newSink() *sink { return &sink{sum: sha256.New()} }

func (s *sink) Write(p []byte) (int, error) {
	s.n += int64(len(p))
	return s.sum.Write(p)
}
