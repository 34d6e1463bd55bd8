#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All chains of one and two post-processors, each with keep_input_artifact unset, true and false.

    chain_table.py make TEMPLATE      writes a template with one build per chain, and a docker
    chain_table.py check EVENTS       compares what became of them with the rules

The rules are written down here once more, in `expect`, from post-processors.md 2 and what is documented
to be different: a failure never costs what was made, and what is passed on is not removed.
"""
import itertools
import json
import os
import sys

# default-keep, force
RULES = {"compress": (False, False), "checksum": (True, True), "manifest": (True, True),
         "artifice": (True, False), "shell-local": (True, True), "docker-tag": (True, True),
         "docker-push": (True, False), "docker-save": (True, False), "docker-import": (False, False)}
PASSED_ON = {"manifest", "shell-local", "docker-save"}
KEEPS = (None, True, False)
PLAIN = ("compress", "checksum", "manifest", "artifice", "shell-local")
IMAGE = ("docker-tag", "docker-push", "docker-save", "shell-local")

DOCKER = """#!/bin/sh
case "$*" in
"image inspect"*) echo '[{"Id":"sha256:1","Config":{}}]' ;;
run*) printf '%064d\\n' $$ ;;
wait*) exec sleep 600 ;;
"container inspect"*) echo '[{"Id":"1","Config":{}}]' ;;
commit*) for last; do :; done; echo "sha256:$last" ;;
export*) echo files ;;
import*) cat >/dev/null; echo sha256:2 ;;
rmi*) echo "$2" >>removed ;;
save*) echo saved ;;
esac
"""


def chains():
    """(start, ((type, keep), …))"""
    for start, types in (("file", PLAIN), ("image", IMAGE)):
        members = list(itertools.product(types, KEEPS))
        for length in (1, 2):
            for chain in itertools.product(members, repeat=length):
                yield start, chain
    for keep in KEEPS:
        yield "tar", (("docker-import", keep),)
        for second in KEEPS:
            yield "tar", (("docker-import", keep), ("docker-tag", second))


def options(name, i, kind):
    return {"compress": f'output = "c.{name}.{i}.tar"',
            "checksum": f'output = "s.{name}.{i}"',
            "manifest": f'output = "m.{name}.{i}"',
            "artifice": f'files = ["a.{name}.{i}"]',
            "shell-local": 'inline = ["true"]',
            "docker-tag": f'repository = "t.{name}.{i}"',
            "docker-push": 'docker_path = "./docker"',
            "docker-save": f'path = "v.{name}.{i}"',
            "docker-import": f'repository = "i.{name}.{i}"\n docker_path = "./docker"'}[kind]


SOURCES = {"file": 'source "file" "%s" {\n content = "x"\n target = "made.%s"\n}\n',
           "image": 'source "docker" "%s" {\n image = "x"\n docker_path = "./docker"\n pull = false\n'
                    ' commit = true\n communicator = "none" # %s\n}\n',
           "tar": 'source "docker" "%s" {\n image = "x"\n docker_path = "./docker"\n pull = false\n'
                  ' export_path = "made.%s"\n communicator = "none"\n}\n'}


def make(path):
    with open("docker", "w", encoding="ascii") as f:
        f.write(DOCKER)
    os.chmod("docker", 0o755)
    with open(path, "w", encoding="ascii") as f:
        for n, (start, chain) in enumerate(chains()):
            name = f"n{n}"
            f.write(SOURCES[start] % (name, name))
            f.write(f'build {{\n sources = ["source.{"file" if start == "file" else "docker"}.{name}"]\n'
                    " post-processors {\n")
            for i, (kind, keep) in enumerate(chain):
                if kind == "artifice":
                    with open(f"a.{name}.{i}", "w", encoding="ascii"):
                        pass
                f.write(f'  post-processor "{kind}" {{\n   {options(name, i, kind)}\n')
                if keep is not None:
                    f.write(f"   keep_input_artifact = {str(keep).lower()}\n")
                f.write("  }\n")
            f.write(" }\n}\n")


class Artifact:
    def __init__(self, text, files=(), image=None, tags=()):
        self.text, self.files, self.image, self.tags = text, list(files), image, list(tags)
        self.is_removed = False


def outcome(kind, name, i, given):
    """What a member makes of what it is given; None: it fails."""
    if kind in PASSED_ON:
        return given
    if kind == "compress":
        return Artifact(f"compressed artifacts in: c.{name}.{i}.tar", [f"c.{name}.{i}.tar"])
    if kind in ("checksum", "artifice"):
        files = given.files + [f"s.{name}.{i}"] if kind == "checksum" else [f"a.{name}.{i}"]
        return Artifact("Created artifact from files: " + ", ".join(files), files)
    tags = [f"t.{name}.{i}"]
    if kind == "docker-import":
        return Artifact(f"Imported Docker image: i.{name}.{i}", image=f"i.{name}.{i}")
    if kind == "docker-push":
        tags = [given.image] + [t for t in given.tags if t != given.image]
        if given.image.startswith("sha256:") and len(tags) == 1:
            return None
    return Artifact(f"Imported Docker image: {tags[0]} with tags {' '.join(tags)}", image=tags[0],
                    tags=tags)


def expect(name, chain, made):
    """The artifacts that are listed, those that are removed, and whether it fails."""
    listed, removed = [], []
    prior, keeps_made, failed, used_up = made, False, False, False
    for i, (kind, keep) in enumerate(chain):
        default, force = RULES[kind]
        kept = default if keep is None else keep or (default and force)
        new = outcome(kind, name, i, prior)
        if new is None:
            failed = True
            break
        if i == 0:
            keeps_made = kept
        elif kept:
            listed.append(prior)
        elif new is not prior and prior is made:
            used_up = True
        elif new is not prior:
            removed.append(prior)
        prior = new
    if not failed or prior is not made:
        listed.append(prior)
    if used_up and not any(keep for _, keep in chain[:1]):
        keeps_made = False
    if keeps_made or failed:
        listed.insert(0, made)
    elif made not in listed:
        removed.append(made)
    return listed, removed, failed


def check(path):
    seen, ids, bad = {}, {}, {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            event = json.loads(line)
            name = (event.get("build") or ".").split(".")[1]
            if event["event"] == "artifact":
                seen.setdefault(name, []).append(event["artifact"]["text"])
            elif event["event"] == "build-end":
                bad[name] = not event["ok"]
            elif event["event"] == "message" and event["text"].startswith("Image ID: "):
                ids[name] = event["text"].split()[-1]
    with open("removed", encoding="ascii") as f:
        images_removed = f.read().split()
    wrong = 0
    for n, (start, chain) in enumerate(chains()):
        name = f"n{n}"
        made = {"file": lambda: Artifact(f"Stored file: made.{name}", [f"made.{name}"]),
                "tar": lambda: Artifact(f"Exported Docker file: made.{name}", [f"made.{name}"]),
                "image": lambda: Artifact(f"Imported Docker image: {ids[name]}", image=ids[name])}[start]()
        listed, removed, failed = expect(name, chain, made)
        want = [a.text for a in listed]
        gone = {f for a in removed for f in a.files}
        there = {f for a in listed for f in a.files} - gone
        problems = []
        if seen.get(name, []) != want:
            problems.append(f"listed {seen.get(name, [])}, want {want}")
        if bad.get(name) != failed:
            problems.append("it must fail" if failed else "it must not fail")
        problems += [f"{f} is there" for f in gone if os.path.exists(f)]
        problems += [f"{f} is gone" for f in there if not os.path.exists(f)]
        # a pushed image has the name of the tagged one: without the input it is away on this host
        away = {a.image for a in removed}
        for a in [made] + listed + removed:
            if a.image and (a.image in images_removed) != (a.image in away):
                problems.append(f"{a.image} must " + ("be removed" if a.image in away else "stay"))
        if problems:
            wrong += 1
            print(name, chain, *problems, sep="\n  ")
    print(f"{n + 1} chains, {wrong} wrong")
    return wrong


if __name__ == "__main__":
    sys.exit(make(sys.argv[2]) if sys.argv[1] == "make" else check(sys.argv[2]) != 0)
