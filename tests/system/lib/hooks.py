"""hooks: the sender of webhooks, who signs as Svix does and can do it wrongly."""

import base64
import hashlib
import hmac
import json
import secrets
import time

PATH = "/api/webhooks/clerk"


def new_secret(size=24):
    return "whsec_" + base64.b64encode(secrets.token_bytes(size)).decode()


SECRET, NEXT_SECRET = new_secret(), new_secret()
STRANGE_SECRET = new_secret()  # no server knows it


def signature(secret, message, timestamp, body):
    key = secret.removeprefix("whsec_")
    key = base64.b64decode(key + "=" * (-len(key) % 4))
    text = f"{message}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def event(kind, data, at_ms=None, **more):
    return {
        "type": kind,
        "object": "event",
        "data": data,
        "timestamp": at_ms or int(time.time() * 1000),
        "instance_id": "ins_test",
        **more,
    }


def user(user_id, updated_at=None, email="ada@example.com", **more):
    """As user.created and user.updated tell it."""
    addresses = [{"id": "idn_1", "email_address": email}] if email else []
    return {
        "id": user_id,
        "object": "user",
        "email_addresses": addresses,
        "primary_email_address_id": "idn_1" if email else None,
        "first_name": "Ada",
        "last_name": "Lovelace",
        "username": None,
        "image_url": "https://img.example/ada.png",
        "external_id": None,
        "banned": False,
        "locked": False,
        "created_at": 1700000000000,
        "updated_at": updated_at or int(time.time() * 1000),
        **more,
    }


def session(session_id, user_id, status="ended"):
    return {
        "id": session_id,
        "object": "session",
        "user_id": user_id,
        "client_id": "client_1",
        "status": status,
        "updated_at": int(time.time() * 1000),
    }


def organization(organization_id, name="Analysts", **more):
    return {"id": organization_id, "name": name, "slug": "analysts", **more}


def membership(membership_id, user_id, organization_id, role="org:admin", **more):
    return {
        "id": membership_id,
        "role": role,
        "permissions": ["org:sys_memberships:read"],
        "organization": organization(organization_id),
        "public_user_data": {"user_id": user_id},
        **more,
    }


class Sender:
    """Delivers to one server."""

    def __init__(self, server, secret=SECRET, path=PATH):
        self.server = server
        self.secret = secret
        self.path = path

    def headers(self, body, message=None, timestamp=None, family="svix", secret=None):
        message = message or "msg_" + secrets.token_hex(12)
        timestamp = int(time.time()) if timestamp is None else timestamp
        signed = signature(secret or self.secret, message, timestamp, body)
        return {
            f"{family}-id": message,
            f"{family}-timestamp": str(timestamp),
            f"{family}-signature": f"v1,{signed}",
        }

    def post(self, body, headers):
        pairs = [(name, value) for name, value in headers.items() if value is not None]
        return self.server.api().send("POST", self.path, body, pairs)

    def send(self, kind, data, at_ms=None, **how):
        """A good one; how: message, timestamp, family, secret."""
        body = json.dumps(event(kind, data, at_ms)).encode()
        return self.post(body, self.headers(body, **how))

    def tell(self, kind, data, at_ms=None, **how):
        """Its status."""
        answer = self.send(kind, data, at_ms, **how)
        assert answer.status == 200, answer.text
        return answer.json()["status"]
