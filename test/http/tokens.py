"""Tokens that nobody issued."""
import base64
import hashlib
import hmac
import json
import time


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(token):
    """The claims of a token."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def forge(claims, secret=b"", algorithm="HS256", header=None):
    """A token with these claims; without a secret it has no signature."""
    said = {"typ": "JWT", "alg": algorithm if secret else "none", **(header or {})}
    head = f"{encode(json.dumps(said).encode())}.{encode(json.dumps(claims).encode())}"
    signature = hmac.new(secret, head.encode(), getattr(hashlib, algorithm.replace("HS", "sha"))).digest() if secret else b""
    return f"{head}.{encode(signature)}"


def secret(db):
    """The one that signs now: what only the database knows."""
    return bytes(db.one("SELECT secret FROM rcq_private.jwt_secret WHERE valid_until IS NULL"))


def claims(person, **other):
    """What a genuine token of this person says, but for ...; None leaves a claim out."""
    said = {**decode(person.token), "exp": int(time.time()) + 600, **other}
    return {name: value for name, value in said.items() if value is not None}
