#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes files as a table of C: embed.py OUTPUT FILE…"""
import os
import sys

output, *files = sys.argv[1:]
with open(output, 'w', encoding='ascii') as out:
    out.write('/* SPDX-License-Identifier: Apache-2.0 */\n')
    out.write('/* Made by embed.py from the folder files/. */\n')
    out.write('#include "builder/bootstrap/files.h"\n\n')
    out.write('const struct embedded_file embedded_files[] = {\n')
    for path in sorted(files, key=os.path.basename):
        with open(path, encoding='utf-8') as f:
            lines = f.read().splitlines(keepends=True)
        out.write('\t{\n\t\t"%s",\n' % os.path.basename(path))
        for line in lines:
            text = ''.join('\\%03o' % b if b < 32 or b > 126 else
                           '\\' + chr(b) if chr(b) in '"\\?' else chr(b)
                           for b in line.encode())
            out.write('\t\t"%s"\n' % text)
        out.write('\t},\n')
    out.write('\t{ 0 },\n};\n')
