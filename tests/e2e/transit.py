"""A transit secrets engine as HashiCorp Vault and OpenBao have it, as far as a test needs one.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import binascii
import http.server
import json
import os
import ssl
import threading
import uuid

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "hvs.token-of-a-test"


class Refusal(Exception):
    def __init__(self, status, *words):
        super().__init__(words)
        self.status, self.words = status, list(words)


class Transit:
    """Keys, which are made when something is encrypted with them; listens while entered."""

    def __init__(self, certificate=None, key=None):
        self.keys, self.sealed, self.token, self.requests = {}, False, TOKEN, []
        transit = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                transit.requests.append((self.path, dict(self.headers)))
                try:
                    status, answer = 200, {"data": transit.answer(self.path, self.headers, body)}
                    answer |= {"request_id": str(uuid.uuid4()), "lease_id": "", "renewable": False,
                               "lease_duration": 0, "wrap_info": None, "warnings": None,
                               "auth": None}
                except Refusal as refusal:
                    status, answer = refusal.status, {"errors": refusal.words}
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def port(self):
        return self._server.server_address[1]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path, headers, body):
        if self.sealed:
            raise Refusal(503, "Vault is sealed")
        if headers.get("X-Vault-Token") != self.token:
            raise Refusal(403, "permission denied")
        parts = path.split("/")
        if parts[:3] != ["", "v1", "transit"] or len(parts) != 5:
            raise Refusal(404, f'no handler for route "{path[4:]}". route entry not found.')
        action, name, asked = parts[3], parts[4], json.loads(body)
        if action == "encrypt":
            key = self.keys.setdefault(name, AESGCM.generate_key(256))
            nonce = os.urandom(12)
            sealed = nonce + AESGCM(key).encrypt(nonce, base64.b64decode(asked["plaintext"]), None)
            return {"ciphertext": "vault:v1:" + base64.b64encode(sealed).decode(), "key_version": 1}
        if action != "decrypt":
            raise Refusal(404)
        if name not in self.keys:
            raise Refusal(400, "encryption key not found")
        if not asked["ciphertext"].startswith("vault:v1:"):
            raise Refusal(400, "invalid ciphertext: no prefix")
        try:
            sealed = base64.b64decode(asked["ciphertext"].removeprefix("vault:v1:"), validate=True)
            opened = AESGCM(self.keys[name]).decrypt(sealed[:12], sealed[12:], None)
        except binascii.Error:
            raise Refusal(400, "invalid ciphertext: could not decode base64") from None
        except InvalidTag:
            raise Refusal(400, "cipher: message authentication failed") from None
        return {"plaintext": base64.b64encode(opened).decode()}
