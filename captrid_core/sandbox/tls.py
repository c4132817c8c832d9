"""The certificate authority of a sandbox and the certificate that it serves with."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme

_CA_NAME: Final = "sandbox-ca.pem"
_KEY_NAME: Final = "sandbox-ca.key"


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where clients find the certificate authority, and what the server serves with."""

    ca_file: Path
    context: ssl.SSLContext


def prepare(folder: Path, host: str) -> Certificates:
    """Return certificates for this machine and `host`, of the folder's authority, which is made if there is none.

    A sandbox that starts again with the same folder keeps its authority, so that clients that
    were told to trust it still do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ca_file, key_file = folder / _CA_NAME, folder / _KEY_NAME
    if ca_file.is_file() and key_file.is_file():
        authority = trustme.CA.from_pem(ca_file.read_bytes(), key_file.read_bytes())
    else:
        authority = trustme.CA(organization_name="Banksia College", organization_unit_name="Sandbox")
        key_file.touch(mode=0o600)
        key_file.write_bytes(authority.private_key_pem.bytes())
        ca_file.write_bytes(authority.cert_pem.bytes())
    names = dict.fromkeys(("127.0.0.1", "localhost", "::1", host))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return Certificates(ca_file, context)
