#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays Consul, Vault, AWS and plain web servers for tests, on one port.

    cloud_server.py [--tls CERT KEY] [--unix PATH] [--log FILE] ADDRESS_FILE

Writes its URL into ADDRESS_FILE once it answers, and one JSON line per request
into the log. Ends when its standard input does. What it says is decided by
the path alone, so that the tests read like their requests. Each signed AWS
request is checked by computing its signature again.
"""
import argparse
import base64
import hashlib
import hmac
import http.server
import json
import os
import socket
import ssl
import sys
import threading
import urllib.parse

# What the clients must present. None of it opens anything anywhere.
TOKEN = "s.the-vault-token"
CONSUL_TOKEN = "the-consul-token"
KEYS = {"AKIDENV": "env-secret", "AKIDFILE": "file-secret", "ASIAROLE": "role-secret",
        "ASIAWEB": "web-secret", "ASIABOX": "box-secret", "ASIAHOST": "host-secret",
        "AKIDPROC": "process-secret"}
SESSIONS = {"ASIAROLE": "role-session", "ASIAWEB": "web-session", "ASIABOX": "box-session",
            "ASIAHOST": "host-session"}
REGION = "eu-central-1"

SECRETS = {
    "plain": "correct horse",
    "one": '{"password": "battery staple"}',
    "two": '{"user": "ada", "password": "tr0ub4dor", "port": 5432, "ok": true}',
    "list": '["a"]',
    "number": "42",
}
VAULT = {
    "secret/data/app": {"data": {"data": {"password": "v2-password", "port": 5432},
                                 "metadata": {"version": 3}}},
    "kv1/app": {"data": {"password": "v1-password"}},
    "kv1/data": {"data": {"data": "a field called data"}},
    "secret/data/none": {"data": {"data": None, "metadata": {"deletion_time": "2020"}}},
    "kv1/empty": {"data": None, "warnings": ["Invalid path for a versioned K/V secrets engine."]},
    "sys/internal/ui/mounts/secret/app": {"data": {"path": "secret/",
                                                   "options": {"version": "2"}}},
    "sys/internal/ui/mounts/secret/gone": {"data": {"path": "secret/",
                                                    "options": {"version": "2"}}},
    "sys/internal/ui/mounts/kv1/app": {"data": {"path": "kv1/", "options": None}},
}
CONSUL = {"app/version": "1.2.3", "app/empty": "", "app/utf8": "\u00e9", "a b?c": "odd"}


def hmac256(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    log = None
    seen = {}
    lock = threading.Lock()

    def count(self, what):
        """How often this was asked for before."""
        with self.lock:
            self.seen[what] = self.seen.get(what, 0) + 1
            return self.seen[what] - 1

    def handle_error(self, request, client_address):
        pass  # clients that hang up are part of the game


class UnixServer(Server):
    address_family = socket.AF_UNIX

    def server_bind(self):
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "localhost", 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def address_string(self):
        return "client"

    def say(self, status, body="", headers=()):
        data = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def say_json(self, status, value, headers=()):
        self.say(status, json.dumps(value), headers)

    def endless(self):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b"x" * 65536)

    def silence(self):
        self.connection.settimeout(60)
        self.connection.recv(1)  # until the client goes

    def handle_one(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        if self.path.startswith("http://"):  # we are a proxy: the one who plays all the others
            self.path = "/" + self.path.split("/", 3)[3]
        self.path_only, _, self.query = self.path.partition("?")
        if self.server.log:
            with self.server.lock:
                self.server.log.write(json.dumps({
                    "method": self.command, "path": self.path, "body": self.body.decode("latin-1"),
                    "headers": {k.lower(): v for k, v in self.headers.items()}}) + "\n")
                self.server.log.flush()
        path = self.path_only
        if path.startswith("/v1/kv/"):
            return self.consul(urllib.parse.unquote(path[len("/v1/kv/"):]))
        if path.startswith("/v1/"):
            return self.vault(urllib.parse.unquote(path[len("/v1/"):]))
        if path.startswith("/latest/"):
            return self.metadata(path[len("/latest/"):])
        if path.startswith("/container/"):
            return self.container()
        if path.startswith("/web/"):
            return self.web(path[len("/web/"):])
        if self.command == "POST" and path == "/":
            return self.aws()
        return self.say(404, "no such page\n")

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_OPTIONS = do_PATCH = handle_one

    # ---- misfortunes that every service shares -----------------------------------------

    def misfortune(self, name):
        what = name.rsplit("/", 1)[-1]
        if what == "slow":
            self.silence()
        elif what == "huge":
            self.endless()
        elif what == "garbage":
            self.say(200, "<html>not JSON</html>")
        elif what == "array":
            self.say(200, "[1]")
        elif what == "broken":
            self.say(500, "it broke")
        elif what == "busy" and self.server.count(self.path) < 1:
            self.say(503, "try again")
        elif what == "redirect":
            self.say(307, "", [("Location", self.path.replace("/redirect", "/moved"))])
        elif what == "downgrade":
            self.say(307, "", [("Location", "http://127.0.0.1:1/v1/" + name)])
        elif what == "later" and self.server.count(self.path) >= 1:
            self.silence()
        elif what == "loop":
            self.say(307, "", [("Location", self.path)])
        else:
            return False
        return True

    # ---- Consul -------------------------------------------------------------------------

    def consul(self, key):
        query = dict(urllib.parse.parse_qsl(self.query))
        if self.misfortune(key):
            return None
        if key == "app/secret" and self.headers.get("X-Consul-Token") != CONSUL_TOKEN:
            return self.say(403, "Permission denied")
        if key == "app/auth" and self.headers.get("Authorization") != \
                "Basic " + base64.b64encode(b"ada:love:lace").decode():
            return self.say(401, "who are you?")
        if key == "app/team":
            return self.consul_value(key, "in " + query.get("ns", "nowhere"))
        if key in ("app/secret", "app/auth", "app/busy", "app/moved"):
            return self.consul_value(key, "value of " + key)
        if key in CONSUL:
            return self.consul_value(key, CONSUL[key])
        return self.say(404)

    def consul_value(self, key, text):
        value = base64.b64encode(text.encode()).decode() if text else None
        self.say_json(200, [{"LockIndex": 0, "Key": key, "Flags": 0, "Value": value,
                             "CreateIndex": 1, "ModifyIndex": 2}])

    # ---- Vault --------------------------------------------------------------------------

    def vault(self, path):
        if self.misfortune(path):
            return None
        if self.headers.get("X-Vault-Token") != TOKEN or path.endswith("/forbidden"):
            return self.say_json(403, {"errors": ["permission denied"]})
        if path == "secret/data/team":
            space = self.headers.get("X-Vault-Namespace", "nowhere")
            return self.say_json(200, {"data": {"data": {"password": "in " + space}}})
        if path in ("secret/data/busy", "secret/data/moved", "secret/data/later"):
            return self.say_json(200, {"data": {"data": {"password": "at last"}}})
        if path == "secret/data/deleted":
            return self.say_json(404, {"data": {"data": None, "metadata": {"version": 1}}})
        if path in VAULT:
            return self.say_json(200, VAULT[path])
        return self.say_json(404, {"errors": []})

    # ---- AWS ----------------------------------------------------------------------------

    def aws_error(self, status, kind, message):
        self.say_json(status, {"__type": kind, "message": message, "Message": message},
                      [("Content-Type", "application/x-amz-json-1.1"),
                       ("x-amzn-RequestId", "7a1b-42")])

    def check_signature(self, service, wanted_region=REGION):
        """None, or what is wrong with the Authorization header."""
        text = self.headers.get("Authorization", "")
        algorithm, _, rest = text.partition(" ")
        if algorithm != "AWS4-HMAC-SHA256":
            return "MissingAuthenticationTokenException", "Missing Authentication Token"
        parts = dict(p.strip().split("=", 1) for p in rest.split(","))
        key_id, day, region, name, end = parts["Credential"].split("/")
        if key_id not in KEYS:
            return ("UnrecognizedClientException",
                    "The security token included in the request is invalid.")
        if SESSIONS.get(key_id) != self.headers.get("X-Amz-Security-Token"):
            return "InvalidClientTokenId", "The session token is wrong."
        if (region, name, end) != (wanted_region, service, "aws4_request"):
            return ("InvalidSignatureException",
                    f"Credential should be scoped to a valid region, not '{region}'.")
        names = parts["SignedHeaders"].split(";")
        date = self.headers["X-Amz-Date"]
        if not {"host", "x-amz-date"} <= set(names) or names != sorted(names):
            return "InvalidSignatureException", "headers are missing or out of order"
        canonical = "\n".join(
            [self.command, urllib.parse.quote(self.path_only), self.query] +
            [f"{n}:{' '.join(self.headers[n].split())}" for n in names] +
            ["", ";".join(names), hashlib.sha256(self.body).hexdigest()])
        to_sign = "\n".join([algorithm, date, f"{day}/{region}/{name}/{end}",
                             hashlib.sha256(canonical.encode()).hexdigest()])
        key = ("AWS4" + KEYS[key_id]).encode()
        for piece in (day, region, name, end):
            key = hmac256(key, piece)
        if not date.startswith(day) or hmac256(key, to_sign).hex() != parts["Signature"]:
            return ("InvalidSignatureException",
                    "The request signature we calculated does not match the signature you "
                    "provided.")
        return None

    def aws(self):
        if "Action=AssumeRole" in self.body.decode("latin-1"):
            return self.sts(dict(urllib.parse.parse_qsl(self.body.decode())))
        if self.headers.get("X-Amz-Target", "").endswith(".GetAuthorizationToken"):
            return self.registry_login(self.headers["X-Amz-Target"].split(".")[0])
        problem = self.check_signature("secretsmanager")
        if problem:
            return self.aws_error(400, *problem)
        if self.headers.get("X-Amz-Target") != "secretsmanager.GetSecretValue":
            return self.aws_error(400, "UnknownOperationException", "")
        wanted = json.loads(self.body)
        if wanted.get("VersionStage") != "AWSCURRENT":
            return self.aws_error(400, "InvalidParameterException", "no stage")
        name = wanted["SecretId"]
        if name == "throttled" and self.server.count(name) < 1:
            return self.aws_error(400, "ThrottlingException", "Rate exceeded")
        if name == "flooded":
            return self.aws_error(400, "ThrottlingException", "Rate exceeded")
        if self.misfortune(name):
            return None
        if name == "denied":
            return self.aws_error(400, "AccessDeniedException",
                                  "User is not authorized to perform: GetSecretValue")
        if name == "binary":
            return self.say_json(200, {"Name": name, "SecretBinary": "AAEC"})
        text = {"throttled": "after a while", "busy": "after a while"}.get(name, SECRETS.get(name))
        if text is None:
            return self.aws_error(400, "com.amazonaws.secretsmanager#ResourceNotFoundException",
                                  "Secrets Manager can't find the specified secret.")
        return self.say_json(200, {"Name": name, "SecretString": text})

    def registry_login(self, service):
        """The account decides, as the path does elsewhere."""
        is_public = service == "SpencerFrontendService"
        problem = self.check_signature("ecr-public", "us-east-1") if is_public \
            else self.check_signature("ecr")
        if problem:
            return self.aws_error(400, *problem)
        wanted = json.loads(self.body)
        account = "" if is_public else wanted["registryIds"][0]
        name = {"404": "busy", "500": "garbage", "501": "array"}.get(account, account)
        if self.misfortune(name):
            return None
        if account == "403":
            return self.aws_error(400, "AccessDeniedException",
                                  "not authorized to perform: ecr:GetAuthorizationToken")
        token = {"502": "no colon", "503": "AWS:"}.get(
            account, "AWS:public-pass" if is_public else "AWS:private-pass-" + account)
        text = base64.b64encode(token.encode()).decode()
        data = {"authorizationToken": "%%%" if account == "504" else text, "expiresAt": 1.7e9}
        return self.say_json(200, {"authorizationData": data if is_public else [data]})

    def sts(self, form):
        if form["Action"] == "AssumeRoleWithWebIdentity":
            if form.get("WebIdentityToken") != "a.web.token" or "Authorization" in self.headers:
                return self.sts_error("InvalidIdentityToken", "The token is wrong.")
            who = ("ASIAWEB", "AssumeRoleWithWebIdentity")
        else:
            problem = self.check_signature("sts")
            if problem:
                return self.sts_error(*problem)
            who = ("ASIAROLE", "AssumeRole")
        if form.get("RoleArn") != "arn:aws:iam::123456789012:role/reader" or \
                not form.get("RoleSessionName"):
            return self.sts_error("AccessDenied", "not for you & yours")
        key, action = who
        return self.say(200, (
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<{action}Result><Credentials><AccessKeyId>{key}</AccessKeyId>"
            f"<SecretAccessKey>{KEYS[key]}</SecretAccessKey>\n"
            f"<SessionToken>{SESSIONS[key]}</SessionToken>"
            "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
            f"</{action}Result></{action}Response>"))

    def sts_error(self, code, message):
        message = message.replace("&", "&amp;")
        self.say(403, f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
                      f"<Message>{message}</Message></Error><RequestId>1</RequestId>"
                      "</ErrorResponse>")

    def credentials(self, key):
        self.say_json(200, {"Code": "Success", "AccessKeyId": key, "SecretAccessKey": KEYS[key],
                            "Token": SESSIONS[key], "Expiration": "2099-01-01T00:00:00Z"})

    def metadata(self, path):
        if path == "api/token":
            ok = self.command == "PUT" and self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
            return self.say(200, "imds-token") if ok else self.say(400)
        if self.headers.get("X-aws-ec2-metadata-token") != "imds-token":
            return self.say(401)
        if path == "meta-data/iam/security-credentials/":
            return self.say(200, "host-role")
        if path == "meta-data/iam/security-credentials/host-role":
            return self.credentials("ASIAHOST")
        if path == "meta-data/placement/region":
            return self.say(200, REGION)
        return self.say(404)

    def container(self):
        if self.headers.get("Authorization") != "container-token":
            return self.say_json(401, {"code": "Unauthorized", "message": "who?"})
        return self.credentials("ASIABOX")

    # ---- plain pages --------------------------------------------------------------------

    def web(self, path):
        if self.misfortune(path):
            return None
        if path == "page":
            return self.say(200, "a page", [("Content-Type", "text/plain; charset=utf-8"),
                                            ("X-Two", "1"), ("x-two", "2")])
        if path == "echo":
            return self.say_json(200, {
                "method": self.command, "body": self.body.decode("latin-1"),
                "test": self.headers.get("X-Test"), "agent": self.headers.get("User-Agent")},
                [("Content-Type", "application/json")])
        if path == "moved":
            return self.say(200, "moved here", [("Content-Type", "text/html")])
        if path == "created":
            return self.say(201, "made", [("Content-Type", "text/plain")])
        if path == "binary":
            return self.say(200, b"\x00\xff\x01", [("Content-Type", "image/png")])
        if path == "busy":
            return self.say(200, "at last")
        return self.say(404, "nothing here\n")


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    args.add_argument("--client-ca", metavar="FILE", help="clients must have its certificate")
    args.add_argument("--unix", metavar="PATH")
    args.add_argument("--log", metavar="FILE")
    args.add_argument("address_file")
    args = args.parse_args()
    server = UnixServer(args.unix, Handler) if args.unix else Server(("127.0.0.1", 0), Handler)
    if args.log:
        server.log = open(args.log, "a", encoding="utf-8")
    if args.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*args.tls)
        if args.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(args.client_ca)
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"unix://{args.unix}" if args.unix else \
        f"http{'s' if args.tls else ''}://127.0.0.1:{server.server_port}"
    with open(args.address_file + ".new", "w", encoding="ascii") as f:
        f.write(url + "\n")
    os.rename(args.address_file + ".new", args.address_file)
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
