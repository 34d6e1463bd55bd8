#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a zip, also of a kind that no honest tool writes.

    plugin_zip.py ZIP [NAME=FILE | NAME->LINK]...

Names are taken as they are: twice, with .., absolute. NAME->LINK is a symbolic link.
"""
import sys
import warnings
import zipfile

warnings.simplefilter("ignore")  # the same name twice
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z:
    for word in sys.argv[2:]:
        if "->" in word:
            name, target = word.split("->", 1)
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o120777 << 16
            z.writestr(entry, target)
            continue
        name, path = word.split("=", 1)
        entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
        entry.external_attr = 0o644 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        with open(path, "rb") as f:
            z.writestr(entry, f.read())
