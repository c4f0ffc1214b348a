"""The Python runtimes that Lambda offers, and which wheels run on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cruddur_ops.errors import NotOffered, WrongInput

MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
OLDEST_GLIBC = 17  # the oldest 2.x that a platform tag of a wheel names (PEP 600)
REMEDY = "set lambda_runtime to one of"


@dataclass(frozen=True)
class Runtime:
    """A runtime of Lambda.

    Attributes:
        name: such as "python3.13".
        glibc: the minor of the C library 2.x of its operating system.
        blocked: from that day on Lambda creates no function with it.
    """

    name: str
    glibc: int
    blocked: date

    @property
    def interpreter(self) -> str:
        """As in a wheel's tag, such as "cp313" (PEP 425)."""
        return "cp" + self.name.removeprefix("python").replace(".", "")

    def platforms(self, architecture: str) -> list[str]:
        """The platform tags of the wheels that run on it, the most demanding first (PEP 600)."""
        machine = MACHINES[architecture]
        tags = [f"manylinux_2_{minor}_{machine}" for minor in range(self.glibc, OLDEST_GLIBC - 1, -1)]
        return [*tags, f"manylinux2014_{machine}"]


# AWS Lambda Developer Guide, "Lambda runtimes" (supported runtimes: operating system, "Block function create"), read
# in November 2026. No API tells these. Amazon Linux 2 has glibc 2.26, Amazon Linux 2023 has 2.34.
RUNTIMES = (
    Runtime("python3.11", 26, date(2027, 7, 31)),
    Runtime("python3.12", 34, date(2028, 11, 30)),
    Runtime("python3.13", 34, date(2029, 7, 31)),
    Runtime("python3.14", 34, date(2029, 7, 31)),
)


def find(name: str, architecture: str, on: date) -> Runtime:
    """The runtime of this name.

    Raises:
        NotOffered: Lambda does not offer it, or no longer.
        WrongInput: Lambda has no such architecture.
    """
    if architecture not in MACHINES:
        raise WrongInput(f'Lambda has no architecture "{architecture}": set lambda_architecture to x86_64 or arm64')
    offered = {runtime.name: runtime for runtime in RUNTIMES if on < runtime.blocked}
    if name not in offered:
        raise NotOffered(f'Lambda creates no functions with the runtime "{name}": {REMEDY} {", ".join(offered)}')
    return offered[name]
