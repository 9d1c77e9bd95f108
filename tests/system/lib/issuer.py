"""issuer: a Clerk that can be made to misbehave. It serves a key set and mints tokens of every kind."""

import base64
import json
import secrets
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ORIGIN = "http://localhost:5173"
SESSION_CATEGORY = "cl_B7d4PD111AAA"
HOUR_S = 3600
REMOVED = object()  # as the value of a claim or a header member: leave it out


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encode_json(value):
    return b64u(json.dumps(value, separators=(",", ":")).encode())


def _merged(base, changes):
    merged = {**base, **changes}
    return {name: value for name, value in merged.items() if value is not REMOVED}


@dataclass
class User:
    id: str
    token: str


class SigningKey:
    def __init__(self, kid=None, bits=2048):
        self.kid = kid or "ins_" + secrets.token_hex(12)
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=bits)

    def sign(self, text):
        return self.private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())

    def jwk(self):
        numbers = self.private.public_key().public_numbers()
        size = (numbers.n.bit_length() + 7) // 8
        n, e = numbers.n.to_bytes(size, "big"), numbers.e.to_bytes(3, "big")
        members = {"use": "sig", "kty": "RSA", "kid": self.kid, "alg": "RS256"}
        return {**members, "n": b64u(n), "e": b64u(e)}


FORGER = SigningKey()  # no issuer publishes it


class Issuer:
    """`mode` is how the next key fetch goes: normal, slow, down, garbage, dropped or weak."""

    def __init__(self):
        self.key = SigningKey()
        self.published = [self.key]
        self.mode = "normal"
        self.delay_s = 0.0
        self.fetches = 0
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self.jwks_url = f"{self.url}/.well-known/jwks.json"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self):
        self._http.shutdown()
        self._http.server_close()

    def rotate(self, kid=None):
        """A new key in the place of the old ones; with `kid`, under a name that is known already."""
        self.key = SigningKey(kid)
        self.published = [self.key]

    # --- minting ---
    def claims(self, user, **changes):
        now = int(time.time())
        base = {
            "azp": ORIGIN,
            "exp": now + HOUR_S,
            "fva": [0, -1],
            "iat": now,
            "iss": self.url,
            "jti": secrets.token_hex(10),
            "nbf": now - 10,
            "sid": "sess_" + user.removeprefix("user_"),
            "sts": "active",
            "sub": user,
            "v": 2,
        }
        return _merged(base, changes)

    def header(self, **changes):
        base = {
            "alg": "RS256",
            "cat": SESSION_CATEGORY,
            "kid": self.key.kid,
            "typ": "JWT",
        }
        return _merged(base, changes)

    def sign(self, header, payload, key=None):
        """Takes encoded parts."""
        signed = f"{header}.{payload}"
        return f"{signed}.{b64u((key or self.key).sign(signed))}"

    def token(self, user, header=None, key=None, **claims):
        return self.sign(
            encode_json(self.header(**(header or {}))),
            encode_json(self.claims(user, **claims)),
            key,
        )

    # --- serving ---
    @staticmethod
    def _key_set(keys):
        return json.dumps({"keys": [key.jwk() for key in keys]}).encode()

    def _handler(issuer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.fetches += 1
                status, body = issuer._answer()
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                """Quiet: the server under test has a log of its own."""

        return Handler

    def _answer(self):
        if self.mode == "slow":
            time.sleep(self.delay_s)
        if self.mode == "weak":
            return 200, self._key_set([SigningKey(self.key.kid, bits=1024)])
        return {
            "normal": (200, self._key_set(self.published)),
            "slow": (200, self._key_set(self.published)),
            "down": (500, b"{}"),
            "garbage": (200, b'{"keys": [{"kty": "RSA", "kid": 5}, 7, '),
            "dropped": (None, b""),
        }[self.mode]
