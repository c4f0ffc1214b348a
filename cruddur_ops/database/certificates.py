"""The root certificates that sign RDS's servers, fetched once.

NotFound where the file is not there, or the bundle could not be fetched or is none.
"""

import ssl
import tempfile
import urllib.request
from pathlib import Path

from cruddur_ops import aws
from cruddur_ops.errors import NotFound
from cruddur_ops.state import state_folder
from cruddur_ops.target import Target

# By partition: Amazon RDS User Guide, "Using SSL/TLS to encrypt a connection to a DB instance or cluster", also that for China.
BUNDLE_URLS = {
    "aws": "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem",
    "aws-us-gov": "https://truststore.pki.us-gov-west-1.rds.amazonaws.com/global/global-bundle.pem",
    "aws-cn": "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/global/global-bundle.pem",
}
BUNDLE = "rds-global-bundle.pem"
SECONDS = 30


def root_certificate(target: Target) -> Path:
    """The file to verify the server with: the target's own, else Amazon's bundle."""
    if not target.ssl_root_certificate:
        partition = aws.partition(target.region)
        return bundle(BUNDLE_URLS[partition], BUNDLE if partition == "aws" else f"{partition}-{BUNDLE}")
    path = Path(target.ssl_root_certificate)
    if not path.is_file():
        raise NotFound(f"{path} does not exist: correct PGSSLROOTCERT, or unset it to use Amazon's bundle")
    return path


def bundle(url: str, name: str = BUNDLE) -> Path:
    """Amazon's bundle for all regions of a partition, downloaded when it is first needed."""
    path = state_folder() / name
    if not path.exists():
        _write(path, _download(url))
    return path


def _download(url: str) -> bytes:
    """The bundle, over HTTPS verified with this machine's certificates."""
    remedy = f"download {url} by other means, and name the file in PGSSLROOTCERT"
    try:
        with urllib.request.urlopen(url, timeout=SECONDS, context=ssl.create_default_context()) as response:
            content: bytes = response.read()
    except (OSError, ValueError) as error:
        raise NotFound(f"RDS's root certificates could not be fetched ({error}): {remedy}") from error
    if not _holds_certificates(content):
        raise NotFound(f"{url} answered with something else than certificates: {remedy}")
    return content


def _holds_certificates(content: bytes) -> bool:
    """Whether OpenSSL reads at least one certificate authority in it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=content.decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError, ValueError):
        return False
    return context.cert_store_stats()["x509_ca"] > 0


def _write(path: Path, content: bytes) -> None:
    """Put the file in place whole: another process may read at any moment."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)
