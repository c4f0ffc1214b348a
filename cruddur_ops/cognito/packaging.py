"""The function's zip: the handler, its statements, the database's root certificates, and the locked wheels.

The same input gives the same bytes: sorted, without times, and stored, since zlib's versions compress differently. So
Lambda's CodeSha256 tells whether a function is up to date, whoever packed it.
"""

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cruddur_ops import queries, tags
from cruddur_ops.cognito import wheels
from cruddur_ops.database.certificates import root_certificate
from cruddur_ops.errors import WrongInput
from cruddur_ops.target import Target

HANDLER = Path(__file__).parent.parent / "lambdas" / "post_confirmation.py"
STATEMENTS = ("confirm", "recognise")  # of sql/users/
# AWS Lambda Developer Guide, "Lambda quotas": deployment package, uploaded directly, and unzipped; in bytes.
MIB = 2**20
ZIPPED_LIMIT, UNZIPPED_LIMIT = 50 * MIB, 250 * MIB
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that a zip can hold
READABLE = 0o100644


@dataclass(frozen=True)
class Package:
    """A zip for Lambda."""

    content: bytes = field(repr=False)
    unzipped: int  # bytes
    runtime: str  # of Lambda, such as "python3.13"
    architecture: str  # "x86_64" or "arm64"

    @property
    def sha256(self) -> str:
        """As Lambda tells it: CodeSha256, in base64."""
        return base64.b64encode(hashlib.sha256(self.content).digest()).decode()

    def __repr__(self) -> str:
        sizes = (
            f"{_mib(len(self.content))} of {_mib(ZIPPED_LIMIT)} zipped, {_mib(self.unzipped)} of {_mib(UNZIPPED_LIMIT)} unzipped"
        )
        return f"package for {self.runtime} on {self.architecture}: {sizes}"


def package(target: Target) -> Package:
    """Pack the function for the target's runtime and architecture; WrongInput where Lambda would refuse it."""
    runtime, architecture = target.lambda_runtime, target.lambda_architecture
    wheels.require_offered(runtime, architecture, tags.today())
    own = {
        HANDLER.name: HANDLER.read_bytes(),
        **{f"{name}.sql": queries.load(f"users/{name}").text.encode() for name in STATEMENTS},
        "root.pem": root_certificate(target).read_bytes(),
    }
    content = own | wheels.files(runtime, architecture, this_python=target.sandbox)
    packed = Package(zipped(content), sum(map(len, content.values())), runtime, architecture)
    require_fit(packed)
    return packed


def zipped(content: Mapping[str, bytes]) -> bytes:
    """A zip with these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for name in sorted(content):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # Unix: its modes are those below
            entry.external_attr = READABLE << 16
            file.writestr(entry, content[name])
    return buffer.getvalue()


def require_fit(packed: Package) -> None:
    """Refuse a zip that Lambda would refuse."""
    if len(packed.content) > ZIPPED_LIMIT or packed.unzipped > UNZIPPED_LIMIT:
        raise WrongInput(f"{packed!r} is more than Lambda takes: take wheels out of cruddur_ops/lambdas/requirements.txt")


def _mib(size: int) -> str:
    return f"{size / MIB:.1f} MB"
