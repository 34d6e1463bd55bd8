# SPDX-License-Identifier: Apache-2.0
"""What plugins cost: `tools/bench INGOT plugins`.

The plugin is that of the tests (tests/plugins), which stands on the public SDK;
it is built on the first use, where there is Go. The peer is any packer that can
start it. Where bytes are moved, it is the SDK's own client that moves them there,
so its figure is what the plugin can do with what it was made for.
"""
import os
import re
import stat
import statistics
import subprocess

from bench_measure import measure, own_peak_mib, show, write

SIZE = 1 << 30

BUILD = '''
source "probe-bare" "one" {
}
build {
  sources = ["source.probe-bare.one"]
%s}
'''

NOTHING = '''  provisioner "probe-provisioner" {
  }
  post-processor "probe-postproc" {
    output = "%s"
  }
'''

CALLS = '''  provisioner "probe-provisioner" {
    step {
      do    = "calls"
      size  = 5000
      quiet = %s
    }
  }
'''

FILE = '''  provisioner "file" {
    direction   = "%s"
    source      = "%s"
    destination = "%s"
  }
'''

STEP = '''  provisioner "probe-provisioner" {
    step {
      do     = "%s"
      source = "%s"
      path   = "%s"
    }
  }
'''


def alone(name, unit, value, want):
    print("%-44s %10.4g %10s %-4s  (wanted %s)" % (name, value, "", unit, want), flush=True)


class PluginBench:
    def __init__(self, ingot, peer, work, env, root):
        self.ingot, self.peer, self.work, self.root = ingot, peer, work, root
        self.plugins = os.path.join(work, "plugins")
        self.env = dict(env, PACKER_PLUGIN_PATH=self.plugins)

    def run(self):
        build = os.path.join(self.root, "tests/plugins/build.sh")
        made = subprocess.run([build, self.plugins, "probe"], stdout=subprocess.PIPE, text=True,
                              check=False)
        if made.returncode:
            print("plugins: not measured: %s" % made.stdout.strip())
            return
        self.nothing()
        self.calls()
        self.transfers()

    def template(self, name, what):
        return write(os.path.join(self.work, name + ".pkr.hcl"), BUILD % what)

    def compare(self, name, unit, n, run, want, limit=None):
        """Pairs with the peer, if there is one."""
        programs = [self.ingot, self.peer] if self.peer else [self.ingot]
        for p in programs:
            run(p)
        runs = [tuple(run(p) for p in programs) for _ in range(n)]
        if self.peer:
            show(name, unit, runs, want)
        else:
            alone(name, unit, statistics.median(r[0] for r in runs), limit or "<= %s" % want)

    def nothing(self):
        """One of each kind, none of which does anything."""
        path = self.template("nothing", NOTHING % os.path.join(self.work, "processed"))

        def run(how, command):
            return lambda p: how([p, command, path], self.work, self.env)

        ratio = "of the peer's"
        self.compare("plugins that do nothing, build: wall", "s", 10, run(measure, "build"), "0.5",
                     "<= 0.5 " + ratio)
        self.compare("plugins that do nothing, validate: wall", "s", 10,
                     run(measure, "validate"), "0.5", "<= 0.5 " + ratio)
        self.compare("plugins that do nothing: memory of the core", "MiB", 5,
                     run(own_peak_mib, "build"), "0.2", "<= 0.2 " + ratio)

    def calls(self):
        """From a plugin to the core and back, as the plugin sees it."""
        for what, quiet in (("that nobody sees", "true"), ("Ui.Say", "false")):
            path = self.template("calls", CALLS % quiet)

            def run(program):
                out = subprocess.run([program, "build", "-color=false", path], cwd=self.work,
                                     env=self.env, stdout=subprocess.PIPE, text=True, check=True)
                return [float(x) for x in re.search(
                    r"calls: p50 ([0-9.]+) us, p99 ([0-9.]+) us", out.stdout).groups()]

            programs = [self.ingot, self.peer] if self.peer else [self.ingot]
            runs = [[run(p) for p in programs] for _ in range(3)]
            for i, (part, want) in enumerate((("p50", "wanted <= 100"), ("p99", "for the record"))):
                figures = [statistics.median(r[k][i] for r in runs) for k in range(len(programs))]
                print("%-44s %10.4g %10s us    (%s)" % (
                    "5,000 calls %s: %s" % (what, part), figures[0],
                    "%.4g" % figures[1] if self.peer else "", want), flush=True)

    def null(self):
        """A place where bytes cost nothing. The mode of the one that everybody uses must stay."""
        path = os.path.join(self.work, "plugin-null")
        if os.path.lexists(path):
            os.unlink(path)
        if os.getuid() == 0:
            os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        return path

    def transfers(self):
        """1 GiB less the same with an empty file: what is left is the bytes."""
        big, empty = (os.path.join(self.work, n) for n in ("plugin-big", "plugin-empty"))
        for path, size in ((big, SIZE), (empty, 0)):
            with open(path, "wb") as f:
                f.truncate(size)
        ways = (
            ("upload, file provisioner to a plugin",
             lambda source: FILE % ("upload", source, self.null())),
            ("download, file provisioner from a plugin",
             lambda source: FILE % ("download", source, self.null())),
            ("upload, plugin to plugin",
             lambda source: STEP % ("upload_file", source, self.null())),
            ("download, plugin to plugin",
             lambda source: STEP % ("drop", "", source)),
        )
        programs = [self.ingot, self.peer] if self.peer else [self.ingot]
        for name, make in ways:
            runs = []
            for _ in range(3):
                seconds = []
                for p in programs:
                    took = [measure([p, "build", self.template("transfer", make(source))],
                                    self.work, self.env) for source in (big, empty)]
                    seconds.append(max(took[0] - took[1], 0.001))
                runs.append([SIZE / 1e6 / s for s in seconds])
            theirs = "%.4g" % statistics.median(r[1] for r in runs) if self.peer else ""
            print("%-44s %10.4g %10s MB/s  (wanted >= 500, or theirs)" % (
                name, statistics.median(r[0] for r in runs), theirs), flush=True)
