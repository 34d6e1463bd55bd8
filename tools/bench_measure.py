# SPDX-License-Identifier: Apache-2.0
"""Runs of a program, and what they cost."""
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def measure(argv, cwd, env):
    """One run in seconds. The exit code must be 0."""
    start = time.monotonic()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(argv, cwd=cwd, env=env, stdout=out, stderr=out,
                                 stdin=subprocess.DEVNULL)
        status = child.wait()
        seconds = time.monotonic() - start
        if status:
            out.seek(0)
            sys.exit("bench: %s failed:\n%s" % (" ".join(argv), out.read().decode()[-4000:]))
    return seconds


def peak_mib(argv, cwd, env):
    """One run: peak MiB of its largest process. Measured from a small process: the kernel's
    figure for a child begins with what its parent used."""
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["/usr/bin/time", "-f", "%M", "-o", out.name, *argv], cwd=cwd, env=env,
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return int(out.read()) / 1024


def descendants(pid):
    found, todo = [], [pid]
    while todo:
        pid = todo.pop()
        found.append(pid)
        try:
            for task in os.listdir("/proc/%d/task" % pid):
                with open("/proc/%d/task/%s/children" % (pid, task), encoding="ascii") as f:
                    todo += [int(c) for c in f.read().split()]
        except OSError:
            pass
    return found


def pss_mib(pid):
    total = 0
    for p in descendants(pid):
        try:
            with open("/proc/%d/smaps_rollup" % p, encoding="ascii") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        except OSError:
            pass
    return total / 1024


def hwm_mib(pid, program):
    """Most that a process ever had in memory, if it runs that program."""
    try:
        if os.readlink("/proc/%d/exe" % pid) != program:
            return 0
        with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as f:
            return sum(int(line.split()[1]) for line in f if line.startswith("VmHWM:")) / 1024
    except OSError:
        return 0


def own_peak_mib(argv, cwd, env):
    """One run: peak MiB of the program itself, without what it starts."""
    program, peak = os.path.realpath(argv[0]), 0
    child = subprocess.Popen(argv, cwd=cwd, env=env, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    while child.poll() is None:
        peak = max([peak] + [hwm_mib(p, program) for p in descendants(child.pid)])
        time.sleep(0.002)
    if child.returncode:
        sys.exit("bench: %s failed" % " ".join(argv))
    return peak


def measure_tree(argv, cwd, env):
    """One run: peak MiB of all its processes together."""
    peak, done = [0.0], threading.Event()
    child = subprocess.Popen(argv, cwd=cwd, env=env, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    def sample():
        while not done.wait(0.02):
            peak[0] = max(peak[0], pss_mib(child.pid))

    sampler = threading.Thread(target=sample)
    sampler.start()
    code = child.wait()
    done.set()
    sampler.join()
    if code:
        sys.exit("bench: %s failed" % " ".join(argv))
    return peak[0]


def show(name, unit, pairs, want):
    ours = statistics.median(p[0] for p in pairs)
    theirs = statistics.median(p[1] for p in pairs)
    ratio = statistics.median(p[0] / p[1] for p in pairs)
    print("%-44s %10.4g %10.4g %-4s  ratio %.3f  (wanted <= %s)  n=%d"
          % (name, ours, theirs, unit, ratio, want, len(pairs)), flush=True)
