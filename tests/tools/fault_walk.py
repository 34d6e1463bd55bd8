#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets the system calls of one run of ingot fail, one at a time, and judges what ingot does then.

    fault_walk.py [options] DIR -- build t.pkr.hcl

Each run works in a copy of DIR with a home and a temporary folder of its own, and with ../guest for
what a machine to log in to would have. A first one without
a fault tells which calls there are and what the result looks like. Then, for each seam and all n,
the nth call fails (fault.c). A run is well if it either

  - ends with 0, and files and output are those of the run without a fault, or
  - ends with 1, says the text of the error, and each file is as before or as in the run without
    a fault: nothing lost, nothing half-written, nothing new that does not belong there.

In both cases no temporary file and no journal may be left (if it was a removal that failed, or a
warning says so: none that `ingot gc` does not remove), no sanitizer may speak, and the run must end
in time.

Prints a line for each run that is not well, `seam n errno: what is wrong` with what ingot said and
where the call was, and ends with 1 if there is one.
"""
import argparse
import concurrent.futures
import errno
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile

# How each seam fails. The first is walked always, the others with --all-errors.
ERRORS = {
    "open": [errno.EMFILE, errno.EIO],
    "read": [errno.EIO],
    "write": [errno.ENOSPC, errno.EIO],
    "close": [errno.EIO, errno.EINTR],
    "sync": [errno.EIO],
    "rename": [errno.EIO, errno.ENOSPC],
    "remove": [errno.EIO, errno.EACCES],
    "mkdir": [errno.ENOSPC, errno.EACCES],
    "truncate": [errno.EIO, errno.ENOSPC],
    "attribute": [errno.EIO, errno.EPERM],
    "stat": [errno.EIO, errno.ENOMEM],
    "lock": [errno.ENOLCK],
    "descriptor": [errno.EMFILE, errno.ENOMEM],
    "poll": [errno.ENOMEM],
    "spawn": [errno.EAGAIN, errno.ENOMEM],
    "wait": [errno.ECHILD],
    "thread": [errno.EAGAIN],
    "random": [errno.ENOSYS],
    "net": [errno.ENOBUFS],
    "library": [errno.ENOENT],
}
# What ingot may say instead of the text of the error number.
OTHER_WORDS = {
    "library": "libmissing-by-fault.so",
    "net": "Memory allocation failure",  # getaddrinfo() has its own numbers
}
SANITIZER = re.compile(r"Sanitizer|runtime error:|Assertion .* failed|stack smashing")


class Walk:
    def __init__(self, options, command):
        self.o = options
        self.command = command
        self.root = tempfile.mkdtemp(prefix="ingot-walk.")
        self.before = snapshot(options.dir)
        self.calls = {}
        self.after = None
        self.said = None

    # ---- one run -----------------------------------------------------------------

    def environment(self, place, fault):
        env = dict(os.environ, HOME=f"{place}/home", TMPDIR=f"{place}/tmp")
        for name in list(env):
            if name.startswith("FAULT_"):
                del env[name]
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "detect_leaks=1") + ":verify_asan_link_order=0"
        if fault is not None:
            env.update(fault, LD_PRELOAD=self.o.fault, FAULT_LOG=f"{place}/log")
        return env

    def run(self, fault):
        """A fresh place, and how the run in it ended: code (None: too late), text."""
        place = tempfile.mkdtemp(dir=self.root)
        shutil.copytree(self.o.dir, f"{place}/work", symlinks=True)
        for name in ("home", "tmp", "guest"):
            os.mkdir(f"{place}/{name}")
        with open(f"{place}/out", "wb") as out:
            p = subprocess.Popen([self.o.ingot, *self.command], cwd=f"{place}/work", stdout=out,
                                 stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
                                 env=self.environment(place, fault))
            try:
                code = p.wait(self.o.limit)
            except subprocess.TimeoutExpired:
                p.send_signal(signal.SIGABRT)
                code = None
                p.wait()
        with open(f"{place}/out", "rb") as out:
            return place, code, out.read().decode("utf-8", "replace")

    def first(self):
        """Without a fault, twice: once as it is, and once counted."""
        for counted in (False, True):
            place, code, text = self.run({} if counted else None)
            files, said = snapshot(f"{place}/work"), plain(text, place)
            if code != 0 or leftovers(place):
                sys.exit(f"the run without a fault ends with {code}:\n{text}{leftovers(place)}")
            if self.o.any_output:
                said = None
            if counted and (files != self.after or said != self.said):
                sys.exit(f"two runs without a fault differ:\n{self.said}\n{said}\n"
                         f"{difference(self.after, files)}")
            self.after, self.said = files, said
        for line in open(f"{place}/log"):
            seam = line.split()[0]
            self.calls[seam] = self.calls.get(seam, 0) + 1

    # ---- judging -----------------------------------------------------------------

    def judge(self, place, code, text, seam, number):
        """What is wrong with a run, or None."""
        files, said = snapshot(f"{place}/work"), plain(text, place)
        if code is None:
            return f"has not ended after {self.o.limit} s"
        if code < 0:
            return f"died of signal {-code}"
        if SANITIZER.search(text):
            return "a sanitizer or an assertion speaks"
        kept = self.not_removed(f"{place}/log", seam, f"{place}/work")
        for name in kept:
            files.pop(name, None)
        if code == 0 and files != self.after:
            return f"success with another result: {difference(self.after, files)}"
        warned = [w for w in self.words(seam, number) if w in text]
        if warned:  # of something that does not harm the result
            said = "".join(line for line in said.splitlines(True) if warned[0] not in line)
        if code == 0 and not self.o.any_output and said != self.said:
            return "success with another output"
        if code not in (0, 1):
            return f"ended with {code}"
        if code == 1:
            wrong = self.judge_failure(files, text, seam, number)
            if wrong:
                return wrong
        return self.judge_leftovers(place, warned or seam == "remove")

    def words(self, seam, number):
        return [w for w in (os.strerror(number), OTHER_WORDS.get(seam)) if seam and w]

    def not_removed(self, log, seam, work):
        """What is still there because its removal was what failed."""
        if seam != "remove" or not os.path.exists(log):
            return []
        return [os.path.relpath(os.path.join(work, line.split(" ")[3]), work) for line in open(log)]

    def judge_failure(self, files, text, seam, number):
        text = " ".join(text.split()).lower()  # diagnostics are wrapped
        if seam and not any(w.lower() in text for w in self.words(seam, number)):
            return f"failed without saying '{os.strerror(number)}'"
        for name in sorted(set(files) | set(self.before)):
            if name in self.o.may_be_cut:
                continue
            if files.get(name) not in (self.before.get(name), self.after.get(name)):
                return f"'{name}' is neither as before nor complete: {files.get(name)}"
            if name not in files and name in self.after:
                return f"'{name}' is lost"
        return None

    def judge_leftovers(self, place, may_be):
        left = leftovers(place)
        if left and may_be:  # gc knows of it
            subprocess.run([self.o.ingot, "gc"], cwd=f"{place}/work", stdout=subprocess.DEVNULL,
                           env=self.environment(place, None), check=False)
            left = [path for path in leftovers(place) if not os.path.isdir(path)]
            if self.command[0] != "build":  # only builds keep a journal
                left = []
        return f"left behind: {' '.join(left)}" if left else None

    # ---- the walk ----------------------------------------------------------------

    def cases(self):
        if not self.o.seam:
            yield {"FAULT_MODE": "short"}
            yield {"FAULT_MODE": "interrupt"}
        for seam in self.o.seam or self.calls:
            numbers = self.o.nth or range(1, self.calls.get(seam, 0) + 1)
            for number in ERRORS[seam] if self.o.all_errors else ERRORS[seam][:1]:
                for mode in ("once", "on") if self.o.all_errors else ("once",):
                    for nth in numbers:
                        yield {"FAULT_SEAM": seam, "FAULT_NTH": str(nth), "FAULT_MODE": mode,
                               "FAULT_ERRNO": str(number)}

    def one(self, fault):
        """The report on one run; empty if all is well."""
        seam, number = fault.get("FAULT_SEAM"), int(fault.get("FAULT_ERRNO", 0))
        place, code, text = self.run(fault)
        wrong = self.judge(place, code, text, seam, number)
        if not seam and not wrong and code != 0:
            wrong = "short or interrupted calls are not to be seen"
        name = " ".join(filter(None, [seam, fault.get("FAULT_NTH"), fault["FAULT_MODE"],
                                      errno.errorcode.get(number)]))
        calls = self.places(f"{place}/log")
        shutil.rmtree(place, ignore_errors=True)
        if wrong:
            return f"not well: {name}: {wrong}\n" + indent(f"exit code {code}\n{text}{calls}")
        return f"well: {name}: {code}\n" + indent(f"{text}{calls}") if self.o.verbose else ""

    def places(self, log):
        """The calls that failed, each with its line of code."""
        try:
            calls = open(log).read().split("\n")[:3]
        except OSError:
            return ""
        ret = ""
        for call in filter(None, calls):
            at = subprocess.run(["addr2line", "-e", self.o.ingot, "-fip", "-s",
                                 hex(int(call.split()[-1], 16) + self.base() - 1)],
                                stdout=subprocess.PIPE, text=True, check=False).stdout \
                if shutil.which("addr2line") and (self.o.verbose or not ret) else ""
            ret += f"{call} {at}\n"
        return ret

    def base(self):
        """Where the code of the program begins in its file."""
        if not hasattr(self, "_base"):
            out = subprocess.run(["readelf", "-lW", self.o.ingot], stdout=subprocess.PIPE, text=True,
                                 check=False).stdout
            m = re.search(r"LOAD\s+\S+\s+(\S+)\s.*R E ", out)
            self._base = int(m.group(1), 16) if m else 0
        return self._base

    def walk(self):
        self.first()
        cases = list(self.cases())
        bad = 0
        with concurrent.futures.ThreadPoolExecutor(self.o.jobs) as pool:
            for report in pool.map(self.one, cases):
                if report:
                    print(report, flush=True)
                bad += report.startswith("not well")
        calls = " ".join(f"{seam}:{n}" for seam, n in sorted(self.calls.items()))
        print(f"{len(cases)} runs, {bad} not well; calls: {calls}", flush=True)
        return 1 if bad else 0


def indent(text):
    return "\n".join(f"    {line}" for line in text.rstrip().split("\n"))


def plain(text, place):
    """What a run said, without what differs between any two runs."""
    text = text.replace(place, "PLACE")
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)
    text = re.sub(r"packer-shell[0-9A-Za-z]+|script_[0-9]+\.sh", "SCRIPT", text)
    text = re.sub(r"(?m)^\d+,", "TIME,", text)
    text = re.sub(r"(?m)^( *[\w.-]+:) +[0-9.]+ s ", r"\1 TIME ", text)
    return re.sub(r"(\d+ (minutes?|seconds?|milliseconds?|microseconds?) ?)+|less than .*", "TIME",
                  text)


def content(path):
    """What a file says, without times and names of runs."""
    if os.path.islink(path):
        return "link to " + os.readlink(path)
    with open(path, "rb") as f:
        data = f.read()
    if path.endswith(".tar.gz"):
        try:
            with tarfile.open(path) as tar:
                return str([(m.name, m.size, m.mode, tar.extractfile(m).read()) for m in tar])
        except (tarfile.TarError, EOFError, OSError, AttributeError):
            return "broken archive"
    if path.endswith(".json"):
        data = re.sub(rb'("(last_run_uuid|packer_run_uuid|build_time)": )("[^"]*"|\d+)', rb"\1X",
                      data)
    if len(data) > 200:
        return hashlib.sha256(data).hexdigest()
    return data.decode("utf-8", "replace")


def snapshot(top):
    """Name -> (mode, content) of all files and directories below a folder."""
    ret = {}
    for folder, dirs, files in os.walk(top):
        for name in dirs:
            path = os.path.join(folder, name)
            ret[os.path.relpath(path, top)] = (os.lstat(path).st_mode, "")
        for name in files:
            path = os.path.join(folder, name)
            ret[os.path.relpath(path, top)] = (os.lstat(path).st_mode, content(path))
    return ret


def difference(want, got):
    return "; ".join(f"{n}: {got.get(n)}, not {want.get(n)}" for n in sorted(set(want) | set(got))
                     if want.get(n) != got.get(n))


def leftovers(place):
    ret = [os.path.join(place, "tmp", name) for name in os.listdir(f"{place}/tmp")]
    for folder, dirs, files in os.walk(f"{place}/home"):
        ret += [os.path.join(folder, f) for f in files if f.startswith(("journal", ".ingot-"))]
        if os.path.basename(folder) == "runs":
            ret += [os.path.join(folder, d) for d in dirs if not os.listdir(os.path.join(folder, d))]
    return ret


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    here = os.path.dirname(os.path.abspath(__file__))
    ingot = os.environ.get("INGOT_BIN", f"{here}/../../build/src/ingot")
    p.add_argument("--ingot", default=ingot, help="the program (default: $INGOT_BIN)")
    p.add_argument("--fault", help="fault.so (default: the one built with the program)")
    p.add_argument("--seam", action="append", help="only this one")
    p.add_argument("--nth", action="append", type=int, help="only this call")
    p.add_argument("--all-errors", action="store_true",
                   help="all ways to fail of a seam, also for good from the nth call on")
    p.add_argument("--any-output", action="store_true",
                   help="the output of two good runs may differ")
    p.add_argument("--may-be-cut", action="append", default=[], metavar="NAME",
                   help="a file that a failed run may leave unfinished")
    p.add_argument("--limit", type=int, default=60, help="seconds for one run")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("-v", "--verbose", action="store_true", help="tell of each run")
    p.add_argument("dir", help="what is there when a run starts")
    p.add_argument("command", nargs="+", help="what ingot is told")
    o = p.parse_args()
    o.ingot = os.path.realpath(o.ingot)
    o.fault = os.path.realpath(o.fault or f"{os.path.dirname(o.ingot)}/../tests/tools/fault.so")
    if not os.path.exists(o.fault):
        sys.exit(f"no '{o.fault}': build it first")
    w = Walk(o, o.command)
    try:
        return w.walk()
    finally:
        shutil.rmtree(w.root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
