#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays the hosts that plugins come from: the files of a directory.

    plugin_server.py DIRECTORY LOG PORT_FILE

LOG gets a line `METHOD PATH STATUS TOKEN` for each request; TOKEN is what the Authorization header
says, or `-`. A file PATH.answer is an answer of its own: a status, headers, an empty line, a body. A
file PATH.stall is sent by half, and the other half never comes. Ends with its standard input.
"""
import http.server
import os
import sys
import threading
import urllib.parse

ROOT, LOG, PORT_FILE = sys.argv[1:4]
NEVER = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # pylint: disable=invalid-name
        path = urllib.parse.unquote(self.path)
        name = os.path.normpath(ROOT + "/" + path)
        if os.path.isfile(name + ".answer"):
            self.say(path, name + ".answer")
        elif os.path.isfile(name + ".stall"):
            self.stall(path, name + ".stall")
        elif os.path.isfile(name):
            self.give(path, 200, [], read(name))
        else:
            self.give(path, 404, [], b"not here\n")

    def say(self, path, name):
        head, _, body = read(name).partition(b"\n\n")
        status, *headers = head.decode().split("\n")
        self.give(path, int(status), [h.split(": ", 1) for h in headers], body)

    def give(self, path, status, headers, body):
        self.note(path, status)
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stall(self, path, name):
        body = read(name)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        self.note(path, 200)
        NEVER.wait()

    def note(self, path, status):
        with open(LOG, "a", encoding="utf-8") as f:
            f.write(f"{self.command} {path} {status} {self.headers.get('Authorization', '-')}\n")

    def log_message(self, *args):  # pylint: disable=arguments-differ
        pass


def read(name):
    with open(name, "rb") as f:
        return f.read()


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(PORT_FILE + ".new", "w", encoding="utf-8") as f:
        f.write(f"{server.server_address[1]}\n")
    os.rename(PORT_FILE + ".new", PORT_FILE)
    sys.stdin.read()
    os._exit(0)


main()
