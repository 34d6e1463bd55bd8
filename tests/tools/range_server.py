#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Serves the files of a directory to one machine, whole or in ranges of bytes.

    range_server.py DIRECTORY LOG

Prints its port. LOG gets a line `METHOD PATH STATUS BYTES` for each request. Below /whole/ the
files are given as a whole only; /gone/ is not there.
"""
import http.server
import os
import re
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, with_body):
        in_ranges = not self.path.startswith("/whole/")
        name = os.path.join(sys.argv[1], os.path.basename(self.path))
        if self.path.startswith("/gone/") or not os.path.isfile(name):
            self.send_error(404)
            self.note(404, 0)
            return
        size = os.path.getsize(name)
        begin, end, status = 0, size, 200
        wanted = re.match(r"bytes=(\d+)-(\d*)$", self.headers.get("Range", ""))
        if wanted and in_ranges:
            begin, status = int(wanted.group(1)), 206
            end = min(size, int(wanted.group(2)) + 1) if wanted.group(2) else size
        self.send_response(status)
        self.send_header("Content-Length", str(end - begin))
        if in_ranges:
            self.send_header("Accept-Ranges", "bytes")
        if status == 206:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
        self.end_headers()
        self.note(status, end - begin if with_body else 0)
        if with_body:
            self.give(name, begin, end)

    def give(self, name, begin, end):
        with open(name, "rb") as f:
            f.seek(begin)
            while begin < end:
                block = f.read(min(1 << 16, end - begin))
                try:
                    self.wfile.write(block)
                except OSError:
                    return
                begin += len(block)

    def note(self, status, count):
        with open(sys.argv[2], "a", encoding="utf-8") as f:
            f.write(f"{self.command} {self.path} {status} {count}\n")

    def do_GET(self):  # pylint: disable=invalid-name
        self.answer(True)

    def do_HEAD(self):  # pylint: disable=invalid-name
        self.answer(False)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
