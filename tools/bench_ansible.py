# SPDX-License-Identifier: Apache-2.0
"""What a playbook costs: `tools/bench INGOT ansible`.

A guest runs; 30 tasks are done there by a build of ours and by `ansible-playbook` as a person would start it.
"""
import os
import shutil
import socket
import subprocess
import time

from bench_measure import measure, show, write

PAIRS = 3

TEMPLATE = '''
source "null" "guest" {
  communicator         = "ssh"
  ssh_host             = "127.0.0.1"
  ssh_port             = %(port)d
  ssh_username         = "bench"
  ssh_private_key_file = "%(key)s"
}
build {
  sources = ["source.null.guest"]
  provisioner "ansible" {
    playbook_file = "tasks.yml"
  }
}
'''

INVENTORY = "guest ansible_host=127.0.0.1 ansible_port=%(port)d ansible_user=bench ansible_ssh_private_key_file=%(key)s\n"

TASKS = "- hosts: all\n  become: true\n  tasks:\n" + "".join('''
    - name: a file {0}
      copy:
        dest: /etc/bench-{0}
        content: "one\\n"
    - name: a line {0}
      lineinfile:
        path: /etc/bench-{0}
        line: two
    - name: a command {0}
      command: sha256sum /etc/bench-{0}
'''.format(i) for i in range(10))


class AnsibleBench:
    def __init__(self, ingot, work, env, image, key):
        self.ingot, self.work, self.image, self.key = ingot, work, image, key
        self.env = dict(env, ANSIBLE_HOST_KEY_CHECKING="False", ANSIBLE_LOCAL_TEMP=work + "/ansible",
                        ANSIBLE_NOCOLOR="1")

    def start(self, port):
        guest = subprocess.Popen(
            ["qemu-system-x86_64", "-machine", "pc,accel=tcg", "-m", "1024", "-smp", "2", "-display", "none",
             "-drive", "file=%s,if=virtio,format=qcow2,snapshot=on" % self.image,
             "-netdev", "user,id=n,hostfwd=tcp:127.0.0.1:%d-:22" % port, "-device", "virtio-net,netdev=n"],
            stdin=subprocess.DEVNULL)
        login = ["ssh", "-i", self.key, "-p", str(port), "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes",
                 "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=5", "bench@127.0.0.1", "true"]
        for _ in range(60):
            if subprocess.run(login, stderr=subprocess.DEVNULL, check=False).returncode == 0:
                return guest
            time.sleep(1)
        guest.kill()
        raise SystemExit("bench: the guest does not answer")

    def ours(self):
        return measure([self.ingot, "build", "tasks.pkr.hcl"], self.work, self.env)

    def theirs(self):
        return measure(["ansible-playbook", "-i", "inventory", "tasks.yml"], self.work, self.env)

    def run(self):
        if not shutil.which("ansible-playbook"):
            print("ansible: not measured, it is not installed")
            return
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        for name, text in (("tasks.yml", TASKS), ("inventory", INVENTORY % {"port": port, "key": self.key}),
                           ("tasks.pkr.hcl", TEMPLATE % {"port": port, "key": self.key})):
            write(os.path.join(self.work, name), text)
        guest = self.start(port)
        try:
            self.theirs()
            show("ansible: 30 tasks on a guest", "s", [(self.ours(), self.theirs()) for _ in range(PAIRS)], "1.05")
        finally:
            guest.kill()
            guest.wait()
