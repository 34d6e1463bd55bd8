# SPDX-License-Identifier: Apache-2.0
"""What a container costs: `tools/bench INGOT docker`.

The daemon is one of its own, without a bridge: nothing of the host's network changes. Every step runs;
the image that a run makes is removed before the next.
"""
import os
import shutil
import subprocess
import time

from bench_measure import measure, show, write

SIZE = 200 << 20
PAIRS = 3

BUILD = '''
source "docker" "web" {
  image       = "base:1"
  pull        = false
  commit      = true
  run_command = ["-d", "-i", "-t", "--network=host", "--entrypoint=/bin/sh", "--", "{{ .Image }}"]
}
build {
  sources = ["source.docker.web"]
%s}
'''

UPLOAD = '''  provisioner "file" {
    source      = "%s"
    destination = "/payload"
  }
'''

STEP = '''  provisioner "shell" {
    inline = ["true"]
  }
'''


class DockerBench:
    def __init__(self, work, env, pairs):
        self.work, self.pairs = work, pairs
        self.dir = os.path.join(work, "docker")
        self.env = dict(env, DOCKER_HOST="unix://" + os.path.join(self.dir, "sock"), INGOT_CACHE="off",
                        PATH=env["PATH"] + ":/usr/sbin:/sbin")

    def start(self):
        daemon = subprocess.Popen(
            ["dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none", "--data-root",
             self.dir + "/data", "--exec-root", self.dir + "/exec", "--pidfile", self.dir + "/pid",
             "-H", self.env["DOCKER_HOST"]],
            env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            if not self.docker("version", check=False):
                return daemon
            time.sleep(0.1)
        daemon.terminate()
        raise SystemExit("bench: dockerd does not start")

    def stop(self, daemon):
        daemon.terminate()
        daemon.wait()
        with open("/proc/mounts", encoding="utf-8") as f:
            mounts = [line.split()[1] for line in f if line.split()[1].startswith(self.dir)]
        for mount in reversed(mounts):
            subprocess.run(["umount", "-l", mount], check=False)

    def docker(self, *args, check=True):
        return subprocess.run(["docker", *args], env=self.env, check=check, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

    def make_base(self):
        root = os.path.join(self.work, "docker-root")
        os.makedirs(os.path.join(root, "bin"))
        os.makedirs(os.path.join(root, "tmp"))
        busybox = shutil.which("busybox")
        shutil.copy(busybox, os.path.join(root, "bin/busybox"))
        for name in subprocess.run([busybox, "--list"], check=True, capture_output=True,
                                   text=True).stdout.split():
            if name != "busybox":
                os.symlink("busybox", os.path.join(root, "bin", name))
        subprocess.run("tar -C %s -c . | docker import - base:1" % root, shell=True, check=True,
                       env=self.env, stdout=subprocess.DEVNULL)

    def build(self, template):
        def once(program):
            seconds = measure([program, "build", template], self.work, self.env)
            self.docker("image", "prune", "-f")
            return seconds
        return once

    def run(self):
        if os.getuid() != 0 or not all(map(shutil.which, ("docker", "busybox"))):
            print("docker: not measured, that needs root, docker.io and busybox-static")
            return
        daemon = self.start()
        try:
            self.make_base()
            payload = os.path.join(self.work, "payload")
            with open(payload, "wb") as f:
                for _ in range(SIZE >> 20):
                    f.write(os.urandom(1 << 20))
            for name, steps, want in (
                    ("container: 5 shell steps and 200 MB: wall", UPLOAD % payload + STEP * 5, "0.4"),
                    ("container: 5 shell steps: wall", STEP * 5, "0.4"),
                    ("container: 200 MB: wall", UPLOAD % payload, "0.5")):
                template = write(os.path.join(self.work, "container.pkr.hcl"), BUILD % steps)
                show(name, "s", self.pairs(PAIRS, self.build(template)), want)
        finally:
            self.stop(daemon)
