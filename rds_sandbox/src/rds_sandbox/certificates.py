"""The certificate authority of one sandbox, in the place of Amazon's root bundle."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Authority:
    """Signs the certificates of the sandbox's gateways; its key never leaves memory."""

    authority: trustme.CA = field(default_factory=lambda: trustme.CA(organization_name="rds-sandbox"))

    def write_root(self, path: Path) -> None:
        """Write the root certificate, for `sslrootcert`."""
        self.authority.cert_pem.write_to_path(str(path))

    def context(self, address: str, valid_till: datetime | None = None) -> ssl.SSLContext:
        """A server's TLS context whose certificate names this address, and ends then.

        The name is the subject's too: libpq before 15 looks for addresses there alone
        (PostgreSQL 15 release notes, libpq). `localhost` is what Node.js compares where a client
        gave it a socket and no name, as node-postgres does with addresses (Node.js documentation, `tls.connect`).
        """
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.set_alpn_protocols(["postgresql"])
        self.authority.issue_cert(address, "localhost", common_name=address, not_after=valid_till).configure_cert(context)
        return context
