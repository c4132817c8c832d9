"""JSON Web Tokens: those that the sandbox issues, and the assertions that clients sign (RFC 7519, 7523)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import Certificate


class MalformedTokenError(ValueError):
    """The text is not a JSON Web Token."""


def encode(data: bytes) -> str:
    """Return bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Return the bytes of base64url, padded or not.

    Raises:
        MalformedTokenError: It is something else.
    """
    text = text.rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedTokenError(str(error)) from error


def sign(claims: dict[str, Any], secret: bytes) -> str:
    """Return a token signed with HS256."""
    header = {"typ": "JWT", "alg": "HS256", "kid": "sandbox"}
    signed = f"{encode(msgspec.json.encode(header))}.{encode(msgspec.json.encode(claims))}"
    return f"{signed}.{encode(_hmac(signed, secret))}"


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Return header, claims and signature of a token, unverified.

    Raises:
        MalformedTokenError: The text is no token.
    """
    pieces = token.split(".")
    if len(pieces) != 3:
        raise MalformedTokenError(token)
    try:
        header = msgspec.json.decode(decode(pieces[0]), type=dict[str, Any])
        claims = msgspec.json.decode(decode(pieces[1]), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise MalformedTokenError(token) from error
    return header, claims, decode(pieces[2])


def is_signed_with(token: str, secret: bytes) -> bool:
    """Tell whether `sign` made this token with this secret."""
    signed, _, signature = token.rpartition(".")
    return hmac.compare_digest(decode(signature), _hmac(signed, secret))


def is_signed_by(token: str, certificate: Certificate) -> bool:
    """Tell whether the key of a certificate signed a token with RS256 or PS256."""
    header, _, signature = parts(token)
    key = certificate.public_key()
    schemes: dict[str, padding.AsymmetricPadding] = {
        "RS256": padding.PKCS1v15(),
        "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH),
    }
    scheme = schemes.get(str(header.get("alg")))
    if scheme is None or not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(signature, token.rpartition(".")[0].encode(), scheme, hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def names_certificate(header: dict[str, Any], certificate: Certificate) -> bool:
    """Tell whether a header's `x5t` (SHA-1) or `x5t#S256` is the thumbprint of a certificate."""
    prints = {
        "x5t": hashes.SHA1(),  # noqa: S303  (what the header means by x5t)
        "x5t#S256": hashes.SHA256(),
    }
    for name, algorithm in prints.items():
        if isinstance(header.get(name), str) and decode(header[name]) == certificate.fingerprint(algorithm):
            return True
    return False


def _hmac(signed: str, secret: bytes) -> bytes:
    return hmac.new(secret, signed.encode(), hashlib.sha256).digest()
