#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A qemu-nbd that goes wrong, for what the real one will not do on demand.

FAKE_NBD says how: `die`, `hang`, `fail`, `full` or `babble`, at the request number
FAKE_NBD_AT (1). Processes whose image does not have FAKE_NBD_IN in its name are the real
qemu-nbd. What is read are bytes that are not zero; the disk has FAKE_NBD_SIZE bytes.
"""
import os
import signal
import socket
import struct
import sys

HOW = os.environ["FAKE_NBD"]
AT = int(os.environ.get("FAKE_NBD_AT", "1"))
SIZE = int(os.environ.get("FAKE_NBD_SIZE", str(64 << 20)))
REAL = os.environ["REAL_NBD"]

OPTION, OPTION_REPLY = 0x49484156454F5054, 0x3E889045565A9
REQUEST, REPLY = 0x25609513, 0x67446698
OPT_ABORT, OPT_GO = 2, 7
REP_ACK, REP_INFO, REP_UNSUPPORTED = 1, 3, 2**31 + 1
READ, WRITE, DISCONNECT = 0, 1, 2
EIO, ENOSPC = 5, 28


def take(c, n):
    data = b""
    while len(data) < n:
        more = c.recv(n - len(data))
        if not more:
            sys.exit(0)
        data += more
    return data


def negotiate(c):
    c.sendall(struct.pack(">8sQH", b"NBDMAGIC", OPTION, 3))
    take(c, 4)
    while True:
        _, option, length = struct.unpack(">QII", take(c, 16))
        take(c, length)

        def answer(kind, data=b""):
            c.sendall(struct.pack(">QIII", OPTION_REPLY, option, kind, len(data)) + data)

        if option == OPT_GO:
            answer(REP_INFO, struct.pack(">HQH", 0, SIZE, 1 | 4))
            answer(REP_ACK)
            return
        answer(REP_ACK if option == OPT_ABORT else REP_UNSUPPORTED)


def go_wrong(c, cookie):
    if HOW == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if HOW == "hang":
        open(os.environ["FAKE_NBD_HANGS"], "w").close()
        while True:
            signal.pause()
    if HOW == "babble":
        c.sendall(b"this is not the protocol" * 100)
        sys.exit("fake trouble")
    c.sendall(struct.pack(">IIQ", REPLY, EIO if HOW == "fail" else ENOSPC, cookie))


def serve(c):
    count = 0
    while True:
        _, _, kind, cookie, _, length = struct.unpack(">IHHQQI", take(c, 28))
        if kind == WRITE:
            take(c, length)
        if kind == DISCONNECT:
            return
        count += 1
        if count == AT:
            go_wrong(c, cookie)
            continue
        c.sendall(struct.pack(">IIQ", REPLY, 0, cookie) + (b"x" * length if kind == READ else b""))


def main():
    if os.environ["FAKE_NBD_IN"] not in sys.argv[-1]:
        os.execv(REAL, ["qemu-nbd"] + sys.argv[1:])
    path = next(a.split("=", 1)[1] for a in sys.argv if a.startswith("--socket="))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    c, _ = listener.accept()
    negotiate(c)
    serve(c)


main()
