#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many processes make, use and remove steps of one store at once, and some are killed.

    steps_storm.py INGOT STEPS COMMANDS [SEED]

INGOT_CACHE_DIR says where. Whatever happens, no step is ever damaged; at the end each one that is
listed is whole, and nothing else is left.
"""
import os
import random
import subprocess
import sys

KEYS = [f"key{i}" for i in range(6)]
AT_ONCE = 4


class Storm:
    def __init__(self, ingot, steps, seed):
        self.ingot, self.steps = ingot, steps
        self.store = os.environ["INGOT_CACHE_DIR"] + "/steps"
        self.random = random.Random(seed)
        self.running = []
        self.problems = []

    def command(self):
        key = self.random.choice(KEYS)
        below = KEYS[max(KEYS.index(key) - 1, 0)]
        parent = "-" if below == key else self.random.choice(["-", below])
        size = self.random.choice([200, 400, 1000])
        steps, cache = [self.steps, self.store], [self.ingot, "cache"]
        return self.random.choice([
            steps + ["make", key, parent, "build", "step", "1"],
            steps + ["make", key, parent, "build", "step", "1"],
            steps + ["make", key, parent, "build", "step", "1"],
            steps + ["get", key],
            steps + ["hold", key],
            cache + ["prune", f"-max-size={size}K"],
            cache + ["rm", key],
            [self.ingot, "gc"],
        ])

    def judge(self, p):
        out = p.communicate()[0]
        known = ["no step 'key", "is in use"]
        if p.returncode not in (0, -9) and not any(k in out for k in known):
            self.problems.append(f"{' '.join(p.args)}: exit code {p.returncode}\n{out}")

    def end_one(self):
        p = self.running.pop(self.random.randrange(len(self.running)))
        if self.random.random() < 0.25:
            p.kill()
        self.judge(p)

    def blow(self, commands):
        for _ in range(commands):
            if len(self.running) == AT_ONCE:
                self.end_one()
            self.running.append(subprocess.Popen(
                self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True))
        while self.running:
            self.end_one()

    def look(self):
        subprocess.run([self.ingot, "gc"], stdout=subprocess.DEVNULL, check=True)
        named = set()
        for key in os.listdir(self.store + "/entries"):
            p = subprocess.run([self.steps, self.store, "get", key], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, check=False)
            if p.returncode:
                self.problems.append(p.stdout)
            named.update(p.stdout.split())
        for folder in ["layers", "staging", "locks"]:
            for name in set(os.listdir(f"{self.store}/{folder}")) - named:
                self.problems.append(f"{folder}/{name} is left")


def main():
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 32)
    storm = Storm(sys.argv[1], sys.argv[2], seed)
    storm.blow(int(sys.argv[3]))
    storm.look()
    for problem in storm.problems:
        print(problem)
    print("seed", seed)
    return 1 if storm.problems else 0


sys.exit(main())
