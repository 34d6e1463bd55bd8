# SPDX-License-Identifier: Apache-2.0
"""What `compress` takes for a file of 1 GiB: `tools/bench INGOT compress`.

Against the tools that use all processors, at their usual levels. The data are
programs and libraries of this machine, once each. Ours is a whole build.
"""
import os
import shutil

from bench_measure import measure, show, write

SIZE = 1 << 30
ROUNDS = 3
PEERS = [
    ("zst", ["zstd", "-q", "-f", "-T0"], "-o", 1.11),
    ("gz", ["pigz", "-f", "-k", "-c"], None, 1.1),
    ("lz4", ["lz4", "-q", "-f"], "", 1.0),
]

BUILD = '''
source "file" "one" {
  content = "x"
  target  = "x.txt"
}
build {
  sources = ["source.file.one"]
  post-processors {
    post-processor "artifice" {
      files = ["data"]
    }
    post-processor "compress" {
      output              = "ours.%s"
      keep_input_artifact = true
    }
  }
}
'''


def gather(path):
    """Files of the system until there is enough; from the beginning again if there is not."""
    left = SIZE
    with open(path, "wb") as out:
        while left > 0:
            for top in ("/usr/bin", "/usr/lib", "/usr/share"):
                for folder, _, names in sorted(os.walk(top)):
                    for name in sorted(names):
                        full = os.path.join(folder, name)
                        if left > 0 and os.path.isfile(full) and not os.path.islink(full):
                            with open(full, "rb") as f:
                                data = f.read(left)
                            out.write(data)
                            left -= len(data)


class CompressBench:
    def __init__(self, ingot, work, env):
        self.ingot, self.work, self.env = ingot, work, dict(env, INGOT_CACHE="off")

    def run(self):
        gather(os.path.join(self.work, "data"))
        for ending, argv, to, want in PEERS:
            if not shutil.which(argv[0]):
                print("compress: not measured: no %s" % argv[0])
                continue
            self.pair(ending, self.peer(argv, to, ending), want)

    @staticmethod
    def peer(argv, to, ending):
        theirs = "theirs." + ending
        if to is None:
            return ["sh", "-c", "%s data >%s" % (" ".join(argv), theirs)]
        return argv + ["data"] + ([to] if to else []) + [theirs]

    def pair(self, ending, peer, want):
        template = write(os.path.join(self.work, ending + ".pkr.hcl"), BUILD % ending)
        pairs = []
        for _ in range(ROUNDS):
            for name in ("x.txt", "ours." + ending, "theirs." + ending):
                if os.path.exists(os.path.join(self.work, name)):
                    os.unlink(os.path.join(self.work, name))
            pairs.append((measure([self.ingot, "build", template], self.work, self.env),
                          measure(peer, self.work, self.env)))
        show("compress 1 GiB to %s, against %s" % (ending, peer[0] if peer[0] != "sh" else "pigz"),
             "s", pairs, want)
        sizes = [os.path.getsize(os.path.join(self.work, who + ending)) / (1 << 20)
                 for who in ("ours.", "theirs.")]
        print("%-44s %10.4g %10.4g MiB" % ("  size", *sizes), flush=True)
