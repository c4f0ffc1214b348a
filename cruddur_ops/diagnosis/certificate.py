"""How a server proves who it is: the rung of TLS, from a handshake of our own, which tells why it fails."""

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cruddur_ops.database.unreachable import TLS
from cruddur_ops.diagnosis.ladder import Rung, failed, passed
from cruddur_ops.network.reachability import SSL_REQUEST

NAME = "TLS"
SECONDS = 10
REQUIRING = ("require", "verify-ca", "verify-full")
# By OpenSSL's codes (x509_vfy.h): what is wrong with the certificate, and what mends it.
NEW = "set another ca_certificate_identifier, as `aws rds describe-certificates` lists them, and run `cruddur-ops rds modify`"
PROBLEMS = {
    9: ("is not valid yet", "set this machine's clock"),
    10: ("has expired", f"{NEW}; where it has not, this machine's clock is wrong"),
    62: ("is for another name", "connect by the endpoint's name; where that is stale, wait some minutes"),
    64: ("is for another address", "connect by the endpoint's name"),
}


@dataclass(frozen=True)
class Handshake:
    """What came of one."""

    version: str = ""  # such as "TLSv1.3"; empty where the server speaks no TLS
    ends: datetime | None = None  # of the certificate; None where it was not verified
    problem: int = 0  # OpenSSL's code, 0 for none
    broken: str = ""  # why there was none, otherwise


def shake(place: str, port: int, host: str, mode: str, root: Path) -> Handshake:
    """Shake hands with a PostgreSQL server as libpq would (PostgreSQL 18, chapter 54.2.10)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if mode.startswith("verify") else ssl.CERT_NONE
    try:
        if mode.startswith("verify"):
            context.load_verify_locations(root)
        with socket.create_connection((place, port), SECONDS) as raw:
            raw.sendall(SSL_REQUEST)
            if raw.recv(1) != b"S":
                return Handshake()
            with context.wrap_socket(raw, server_hostname=host) as made:
                found: Mapping[str, Any] = made.getpeercert() or {}
                ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(found["notAfter"]), UTC) if found else None
                return Handshake(made.version() or "TLS", ends)
    except ssl.SSLCertVerificationError as error:
        return Handshake("TLS", problem=error.verify_code)
    except OSError as error:
        return Handshake(broken=error.strerror or str(error))


def tls(seen: Handshake, mode: str, root: Path, valid_till: datetime | None = None, authority: str = "") -> Rung:
    """The rung.

    Args:
        mode: libpq's sslmode.
        valid_till: the end of the certificate, as RDS says.
        authority: who signs it, and until when.
    """
    ends = seen.ends or valid_till
    if seen.problem:
        what, remedy = PROBLEMS.get(seen.problem, (f"is signed by none of {root}", TLS.rds))
        dated = f" ({ends:%Y-%m-%d})" if ends and "expired" in what else ""
        return failed(NAME, f"the server's certificate {what}{dated}", remedy)
    if seen.broken:
        return failed(NAME, f"the handshake broke off ({seen.broken})", TLS.rds)
    if not seen.version:
        return failed(NAME, "the server speaks no TLS", TLS.url)
    if not seen.ends:
        return passed(NAME, f"{seen.version}, the certificate not verified (sslmode {mode})")
    days = (seen.ends - datetime.now(UTC)).days
    return passed(NAME, f"{seen.version}, verified ({mode}), for {days} days" + (f"; by {authority}" if authority else ""))
