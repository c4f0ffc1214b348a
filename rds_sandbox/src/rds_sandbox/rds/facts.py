"""The facts of catalog.toml as values: versions, instance classes, storage types, zones, reserved names."""

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from rds_sandbox.errors import NotInSandbox
from rds_sandbox.tables import read


@dataclass(frozen=True)
class Major:
    """A major version of PostgreSQL, and until when RDS supports it (the last day, UTC)."""

    number: int
    released: date
    standard_end: date
    extended_end: date
    default: int
    oldest: int


@dataclass(frozen=True, order=True)
class Version:
    """A minor release; `offered` is false once RDS has withdrawn it."""

    major: int
    minor: int
    released: date
    offered: bool

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @property
    def is_default(self) -> bool:
        """Whether a bare major means this minor."""
        return self.minor == majors()[self.major].default


@dataclass(frozen=True)
class InstanceClass:
    """A DB instance class: its size (memory in GiB), where it runs and what."""

    name: str
    family: str
    vcpus: int
    memory: int
    processor: str
    majors: tuple[int, ...]
    missing: tuple[str, ...]

    def orderable(self, version: Version, region: str) -> bool:
        """Whether an instance of this class and version can be created in the region."""
        return version.major in self.majors and region not in self.missing


@dataclass(frozen=True)
class Storage:
    """A storage type: sizes in GiB, IOPS, throughput in MiB/s, each as (lowest, highest) or None."""

    name: str
    size: tuple[int, int]
    iops: tuple[int, int] | None = None
    iops_per_gib: tuple[float, float] | None = None
    throughput: tuple[int, int] | None = None
    striped_from: int = 0  # the size, from which on IOPS and throughput can be asked for
    baseline: tuple[int | None, int | None] = (None, None)  # the IOPS and the throughput of a smaller one


def tables() -> dict[str, Any]:
    """The tables of catalog.toml."""
    return read(__package__, "catalog.toml")


def require_engine(name: str | None) -> None:
    """Refuse an engine that RDS has beside the sandbox's."""
    if name in tables()["engine"]["others"]:
        raise NotInSandbox(f"the engine {name} is not in the sandbox: it runs {tables()['engine']['name']} alone")


@cache
def majors() -> dict[int, Major]:
    """The majors that RDS offers, by number."""
    return {row["number"]: Major(**row) for row in tables()["major"]}


def major(version: str) -> int:
    """That of a version such as 18.6."""
    return int(version.partition(".")[0])


def minor(version: str) -> int:
    """That of a version such as 18.6."""
    return int(version.partition(".")[2])


def family(major: int) -> str:
    """The parameter group family of a major version."""
    return str(tables()["engine"]["parameter_group_family"].format(major=major))


def families() -> tuple[str, ...]:
    """The parameter group families."""
    return tuple(map(family, majors()))


@cache
def versions() -> tuple[Version, ...]:
    """Every minor that RDS has had of these majors, oldest first."""
    return tuple(sorted(_version(text, day) for day, row in tables()["releases"].items() for text in row))


def _version(text: str, day: str) -> Version:
    major, minor = map(int, text.split("."))
    return Version(major, minor, date.fromisoformat(day), minor >= majors()[major].oldest)


@cache
def instance_classes() -> dict[str, InstanceClass]:
    """The DB instance classes by name."""
    return {c.name: c for family, row in tables()["families"].items() for c in _classes(family, row)}


def _classes(family: str, row: dict[str, Any]) -> list[InstanceClass]:
    where = tuple(row.get("majors", sorted(majors()))), tuple(row.get("missing", ()))
    sizes = tables()["classes"]["sizes"][row["to"]]
    return [InstanceClass(f"{family}.{size}", family, *_measures(size, row["gib"]), row["processor"], *where) for size in sizes]


def _measures(size: str, gib: int) -> tuple[int, int]:
    """The vCPUs of a size, and the memory at so many GiB for each."""
    vcpus = 4 * int(size.removesuffix("xlarge") or 1) if size.endswith("xlarge") else 2
    return vcpus, tables()["classes"]["memory"].get(size, vcpus * gib)


def require(name: str | None, region: str) -> None:
    """Refuse a class or a region that the catalog does not know, and that RDS may well have."""
    if not zones(region):
        raise NotInSandbox(f"RDS in {region} is not in the sandbox: use another region, such as us-east-1")
    family = (name or "").rpartition(".")[0]
    if family not in tables()["families"] and re.fullmatch(tables()["classes"]["name"], name or ""):
        raise NotInSandbox(f"the class {name} is not in the sandbox: DescribeOrderableDBInstanceOptions lists those that are")


@cache
def storage_types() -> dict[str, Storage]:
    """The storage types by name."""
    return {name: Storage(name, **_tuples(row)) for name, row in tables()["storage"].items()}


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def zones(region: str) -> tuple[str, ...]:
    """The names of the region's Availability Zones; none for a region that the catalog does not know."""
    return tuple(region + letter for letter in tables()["zones"].get(region, ""))


@cache
def reserved(kind: str) -> frozenset[str]:
    """The names that RDS refuses, in lower case: of "usernames" or of "databases"."""
    words = tables()["reserved"]
    return frozenset(words[kind]) | frozenset(words["keywords"].split())


def default_version(major: int | None = None) -> Version:
    """The minor that a bare major means, or the one of RDS's default major."""
    wanted = major or tables()["engine"]["default_major"]
    return next(v for v in versions() if v.major == wanted and v.is_default)


def upgrade_targets(version: Version) -> tuple[Version, ...]:
    """The offered versions that an instance can be upgraded to: higher, and not released before it.

    Source: RDS User Guide, "Choosing a major version for an RDS for PostgreSQL upgrade".
    """
    return tuple(v for v in versions() if v > version and v.offered and v.released >= version.released)
