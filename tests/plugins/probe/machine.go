// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/packer-plugin-sdk/packer"
)

// A communicator to this host: commands run in a shell in the machine's folder,
// files with relative names are there, too.
type machine struct {
	dir    string
	faults faults
}

// Its exit status is the one that tells of a connection that broke.
const disconnect = "probe-disconnect"

func (m *machine) Start(ctx context.Context, cmd *packer.RemoteCmd) error {
	if err := m.faults.at(ctx, "start"); err != nil {
		return err
	}
	if cmd.Command == disconnect {
		cmd.SetExited(packer.CmdDisconnect)
		return nil
	}
	c := exec.CommandContext(ctx, "sh", "-c", cmd.Command)
	c.Dir, c.Stdin, c.Stdout, c.Stderr = m.dir, cmd.Stdin, cmd.Stdout, cmd.Stderr
	if c.Stdin != nil { // a pipe of our own: Wait() would wait for a reader that never ends
		c.Stdin = nil
		w, err := c.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			io.Copy(w, cmd.Stdin)
			w.Close()
		}()
	}
	if err := c.Start(); err != nil {
		return err
	}
	go func() {
		var exit *exec.ExitError
		switch err := c.Wait(); {
		case err == nil:
			cmd.SetExited(0)
		case errors.As(err, &exit) && exit.Exited():
			cmd.SetExited(exit.ExitCode())
		case errors.As(err, &exit):
			cmd.SetExited(128 + 9)
		default:
			cmd.SetExited(packer.CmdDisconnect)
		}
	}()
	return nil
}

func (m *machine) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(m.dir, name)
}

func (m *machine) Upload(name string, r io.Reader, info *os.FileInfo) error {
	if err := m.faults.at(context.Background(), "upload"); err != nil {
		return err
	}
	to := m.path(name)
	if info != nil && (*info).IsDir() {
		return fmt.Errorf("'%s' is a folder", name)
	}
	if strings.HasSuffix(name, "/") && info != nil {
		to = filepath.Join(to, (*info).Name())
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.CopyBuffer(struct{ io.Writer }{f}, r, make([]byte, 1<<20)); err != nil {
		return err
	}
	if info != nil {
		if err := f.Chmod((*info).Mode().Perm()); err != nil {
			return err
		}
	}
	return f.Close()
}

func (m *machine) Download(name string, w io.Writer) error {
	if err := m.faults.at(context.Background(), "download"); err != nil {
		return err
	}
	f, err := os.Open(m.path(name))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyBuffer(w, struct{ io.Reader }{f}, make([]byte, 1<<20))
	return err
}

func (m *machine) UploadDir(dst, src string, exclude []string) error {
	if err := m.faults.at(context.Background(), "upload_dir"); err != nil {
		return err
	}
	return copyTree(m.path(dst), src, exclude)
}

func (m *machine) DownloadDir(src, dst string, exclude []string) error {
	if err := m.faults.at(context.Background(), "download_dir"); err != nil {
		return err
	}
	if strings.HasSuffix(src, "/") {
		return copyTree(dst, m.path(src)+"/", exclude)
	}
	return copyTree(dst, m.path(src), exclude)
}

// As rsync does: with a slash at its end, what is in src; without, src itself.
func copyTree(dst, src string, exclude []string) error {
	if !strings.HasSuffix(src, "/") {
		dst = filepath.Join(dst, filepath.Base(src))
	}
	return filepath.WalkDir(src, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, name)
		if err != nil {
			return err
		}
		if slices.Contains(exclude, rel) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		to := filepath.Join(dst, rel)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		return copyFile(to, name)
	})
}

func copyFile(dst, src string) error {
	b, err := os.ReadFile(src)
	if err != nil {
		return err
	}
	info, err := os.Stat(src)
	if err != nil {
		return err
	}
	return os.WriteFile(dst, b, info.Mode().Perm())
}
