"""Reading the certificate that an app signs in with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from captrid_core.clock import iso
from captrid_core.errors import CertificateRejected

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate


@dataclass(frozen=True, slots=True)
class CertificatePair:
    """A private key and its certificate, each as PEM text; the key never shows in a repr."""

    private_key: str = field(repr=False)
    certificate: str


def read_certificate(pem: str, *, passphrase: str | None, now: datetime) -> CertificatePair:
    """Return the private key in `pem` and the certificate that belongs to it.

    Raises:
        CertificateRejected: Key or certificate is missing, they do not match, or it is out of date.
    """
    # cryptography takes a while to import, and most connections use a secret.
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = _private_key(pem, passphrase)
    certificate = _certificate_of(key, pem)
    if now >= certificate.not_valid_after_utc:
        raise CertificateRejected(
            f"The certificate expired on {iso(certificate.not_valid_after_utc)}.",
            hint="Create a new one, upload its public part to the app registration, and enter it here.",
        )
    if now < certificate.not_valid_before_utc:
        raise CertificateRejected(
            f"The certificate is not valid before {iso(certificate.not_valid_before_utc)}.",
            hint="Wait until then, or check this machine's clock.",
        )
    return CertificatePair(
        private_key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        certificate=certificate.public_bytes(Encoding.PEM).decode(),
    )


def _private_key(pem: str, passphrase: str | None) -> RSAPrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    block = _private_key_block(pem)
    if block is None:
        raise CertificateRejected("The certificate file holds no private key.")
    encrypted = "ENCRYPTED" in block
    if encrypted and not passphrase:
        raise CertificateRejected(
            "The certificate's private key is protected by a passphrase.",
            hint="Give the passphrase, or export the key without one.",
        )
    problem = "The certificate's private key cannot be read"
    try:
        key = load_pem_private_key(block.encode(), passphrase.encode() if encrypted and passphrase else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Raised anew without its cause: messages about a key stay short.
        raise CertificateRejected(f"{problem}{'; is the passphrase right?' if encrypted else '.'}") from None
    if not isinstance(key, RSAPrivateKey):
        raise CertificateRejected(
            "The certificate's private key is not an RSA key.",
            hint="Create one with an RSA key of 2048 bits or more: Microsoft Entra ID takes no other.",
        )
    return key


def _private_key_block(pem: str) -> str | None:
    """Return the first PEM block whose label ends in PRIVATE KEY; files hold them in any order."""
    block: list[str] = []
    for line in pem.splitlines():
        text = line.strip()
        if text.startswith("-----BEGIN ") and text.endswith("PRIVATE KEY-----"):
            block = [text]
        elif block:
            block.append(text)
            if text.startswith("-----END "):
                return "\n".join(block) + "\n"
    return None


def _certificate_of(key: RSAPrivateKey, pem: str) -> Certificate:
    """Return the certificate with the public part of `key`; a file may hold its whole chain."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        certificates = load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise CertificateRejected(
            "The certificate file holds no readable certificate beside the key."
        ) from None
    wanted = key.public_key()
    for certificate in certificates:
        if certificate.public_key() == wanted:
            return certificate
    raise CertificateRejected("The private key and the certificate in the file do not belong together.")
