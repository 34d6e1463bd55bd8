#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs `ingot build -json …` and acts when an event comes.

    upon.py [--out FILE] [WORDS ACTION]... -- COMMAND...

Waits until a line of the command's standard output has WORDS, then does
ACTION: "SIGINT" and other names of signals go to the command, anything else is
a line for the shell. The pairs are worked off in order. The lines also go to
FILE; the texts in them to standard output. Exit code is the command's; 99 if it
ended before all was done. At the end stands how long it went on after the last
action.
"""
import json
import signal
import subprocess
import sys
import time


def act(action, process):
    if action.startswith("SIG"):
        process.send_signal(getattr(signal, action))
    else:
        subprocess.run(action, shell=True, check=True)


def show(line):
    try:
        text = json.loads(line).get("text")
    except ValueError:
        text = line.rstrip("\n")
    if text:
        print(text, flush=True)


def main():
    argv = sys.argv[1:]
    out = "/dev/null"
    if argv[0] == "--out":
        out, argv = argv[1], argv[2:]
    end = argv.index("--")
    pairs = list(zip(argv[0:end:2], argv[1:end:2]))
    process = subprocess.Popen(argv[end + 1:], stdout=subprocess.PIPE, text=True)
    last = time.monotonic()
    with open(out, "w", encoding="utf-8") as log:
        for line in process.stdout:
            log.write(line)
            log.flush()
            show(line)
            while pairs and pairs[0][0] in line:
                act(pairs.pop(0)[1], process)
                last = time.monotonic()
                line = ""
    code = process.wait()
    print(f"ended with {code}, {int((time.monotonic() - last) * 1000)} ms after the last action")
    if pairs:
        print(f"never came: {pairs[0][0]}")
        sys.exit(99)
    sys.exit(code)


main()
