# SPDX-License-Identifier: Apache-2.0
"""What an export costs: `tools/bench INGOT export`.

A disk of 3 GiB with 0.5 GiB used, half of it random, half text, goes to qcow2, vmdk, vhd and ova. The peer
is `qemu-img convert`, one run for each, the OVA's being that of its disk alone.
"""
import os
import subprocess

from bench_measure import measure, show, write

MIB = 1 << 20
PIECE, EVERY = 2 * MIB, 24 * MIB

TEMPLATE = '''
source "null" "disk" {
  communicator = "none"
}
build {
  sources = ["source.null.disk"]
  post-processors {
    post-processor "artifice" {
      files = ["disk.qcow2"]
    }
    post-processor "export" {
      formats = ["qcow2", "vmdk", "vhd", "ova"]
      output  = "ours/disk"
    }
  }
}
'''

CONVERT = [
    ["-c", "-W", "-m", "8", "-O", "qcow2", "-o", "compression_type=zstd", "theirs.qcow2"],
    ["-W", "-m", "8", "-O", "vmdk", "theirs.vmdk"],
    ["-W", "-m", "8", "-O", "vpc", "theirs.vhd"],
    ["-O", "vmdk", "-o", "subformat=streamOptimized", "theirs-ova.vmdk"],
]


class ExportBench:
    def __init__(self, ingot, work, env):
        self.ingot, self.work, self.env = ingot, work, env

    def make_disk(self):
        text = b"".join(b"line %d of a text that compresses\n" % i for i in range(70000))[:PIECE]
        raw = os.path.join(self.work, "disk.raw")
        with open(raw, "wb") as f:
            f.truncate(3072 * MIB)
            for i in range(128):
                f.seek(i * EVERY)
                f.write(os.urandom(PIECE) + text)
        subprocess.run(["qemu-img", "convert", "-O", "qcow2", "-c", "-W", "-m", "8", "-o",
                        "compression_type=zstd", raw, "disk.qcow2"], cwd=self.work, check=True)
        os.unlink(raw)

    def ours(self):
        return measure([self.ingot, "build", "-force", "export.pkr.hcl"], self.work, self.env)

    def theirs(self):
        return sum(measure(["qemu-img", "convert", *how[:-1], "disk.qcow2", how[-1]], self.work,
                           self.env) for how in CONVERT)

    def run(self):
        self.make_disk()
        write(os.path.join(self.work, "export.pkr.hcl"), TEMPLATE)
        self.ours()
        show("export: 3 GiB to qcow2, vmdk, vhd and ova", "s",
             [(self.ours(), self.theirs()) for _ in range(3)], "0.5")
