#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs `ingot build -json …` and looks whether it grows from build to build.

    growth.py [--memory KIB] COMMAND...

Counts the descriptors, threads and children of the process and measures its
memory each time a build has ended. The third quarter of the builds is held
against the second, when all that is made once is made and what is prepared ahead
does not run out yet: memory may grow by KIB at most (2048), the others by what a
plugin that starts in this moment needs. One kept for each build would be more.
Exit code is the command's, or 3 if it grew.
"""
import json
import os
import subprocess
import sys


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return len(f.read().split())


def sample(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        status = dict(line.split(":", 1) for line in f)
    return {
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": int(status["Threads"]),
        "children": children(pid),
        "memory": int(status["RssAnon"].split()[0]),
    }


def grown(samples, memory):
    """The worst of the third quarter against the worst of the second."""
    quarter = len(samples) // 4
    bad = 0
    for what, limit in (("descriptors", 20), ("threads", 3), ("children", 3), ("memory", memory)):
        before = max(s[what] for s in samples[quarter:2 * quarter])
        after = max(s[what] for s in samples[2 * quarter:3 * quarter])
        print(f"{what}: at most {before} in the second quarter of {len(samples)} builds, {after} in the third")
        bad += after > before + limit
    return bad


def main():
    argv, memory = sys.argv[1:], 2048
    if argv[0] == "--memory":
        memory, argv = int(argv[1]), argv[2:]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    samples, failed = [], []
    for line in process.stdout:
        event = json.loads(line)
        if event.get("event") == "build-end":
            samples.append(sample(process.pid))
        if event.get("ok") is False or event.get("event") == "error":
            failed.append(line)
    code = process.wait()
    sys.stdout.writelines(failed)
    if len(samples) < 8:
        print(f"only {len(samples)} builds")
        sys.exit(code or 3)
    sys.exit(code or (3 if grown(samples, memory) else 0))


if __name__ == "__main__":
    main()
