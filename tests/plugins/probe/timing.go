// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"slices"
	"time"
)

// How long calls to the core take, one after the other: messages, or reports of
// progress, of which nothing need be shown.
func (d *doer) calls(s Step) {
	call := func() { d.ui.Say("call") }
	if s.Quiet {
		one := make([]byte, 1)
		body := d.ui.TrackProgress("calls", 0, s.Size, io.NopCloser(zeros{}))
		defer body.Close()
		call = func() { body.Read(one) }
	}
	times := make([]time.Duration, s.Size)
	for i := range times {
		begin := time.Now()
		call()
		times[i] = time.Since(begin)
	}
	slices.Sort(times)
	at := func(percent int) float64 {
		return float64(times[len(times)*percent/100].Nanoseconds()) / 1000
	}
	d.ui.Sayf("calls: p50 %.1f us, p99 %.1f us", at(50), at(99))
}

// A download of which nothing is kept, not even its sum.
func (d *doer) drop(s Step) error {
	var n dropped
	if err := d.comm.Download(s.Path, &n); err != nil {
		return err
	}
	d.ui.Sayf("dropped %s: %d bytes", s.Path, n)
	return nil
}

type dropped int64

func (c *dropped) Write(p []byte) (int, error) {
	*c += dropped(len(p))
	return len(p), nil
}
