"""The way from the running version to a newer major one, how long each of the two is supported, and what it costs after that.

Asking for what is older raises WrongInput, for what RDS does not go to NotOffered, with what is nearest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from cruddur_ops import aws, tags
from cruddur_ops.errors import WrongInput
from cruddur_ops.rds import instances, offers, prices
from cruddur_ops.rds.offers import ENGINE, major, meets, numbers
from cruddur_ops.target import EXTENDED_SUPPORT, Target

# USD for a vCPU and an hour, a standby's too, from the first day after standard support, and from its third year on.
# Source: Amazon RDS for PostgreSQL pricing, "Amazon RDS Extended Support costs", as of November 2026; in some regions it is more.
EXTENDED_PRICES = (0.10, 0.20)
Problems = Callable[[Target, str], Sequence[str]]  # tells what is in the way of an upgrade to a version


@dataclass(frozen=True)
class UpgradePath:
    """From one version to another.

    Attributes:
        running: the version that runs.
        steps: the versions to go to, in order: two, where a newer minor one comes first, and none where nothing is to be done.
        offered: all to which RDS upgrades this very minor version.
    """

    running: str
    steps: tuple[str, ...]
    offered: tuple[str, ...]

    @property
    def next(self) -> str:
        """The version after the running one; that one, where nothing is to be done."""
        return self.steps[0] if self.steps else self.running

    @property
    def wanted(self) -> str:
        """Where it leads."""
        return self.steps[-1] if self.steps else self.running

    def __repr__(self) -> str:
        """What is offered by major version, and the way."""
        majors = {version.partition(".")[0]: "" for version in self.offered}
        lines = [f"PostgreSQL {self.running} runs, and RDS upgrades that very version to"]
        for one in majors:
            minors = [version for version in self.offered if major(version) == one]
            lines.append(f"  {one}: {', '.join(minors)}")
        return "\n".join([*lines, f"the way: {' -> '.join([self.running, *self.steps])}"])


def upgrade_path(target: Target, version: str = "") -> UpgradePath:
    """The way to a version, such as "18.1", to the newest minor of a major, or, without one, to the newest of all."""
    running = instances.require(target).engine_version
    offered = tuple(sorted(offers.upgrades(target, running), key=numbers))
    wanted = offers.newest(version, offers.versions(target), target.region) if version else max([running, *offered], key=numbers)
    if not meets(wanted, major(running)):
        message = f"{target.db_instance_identifier} runs {running}, and RDS never goes back to {wanted}"
        raise WrongInput(f"{message}: name a newer version")
    steps = () if meets(running, wanted) else offers.steps(running, wanted, offered, partial(offers.upgrades, target))
    return UpgradePath(running, steps, offered)


@dataclass(frozen=True)
class Support:
    """Until when RDS supports a major version.

    Attributes:
        major: such as "16".
        standard: the last day of standard support; None where RDS names none.
        extended: that of Extended Support; likewise.
        vcpus: of the instance, a standby's too; 0 where they are not known.
        opted_in: whether the instance goes into Extended Support; else RDS upgrades it by itself, on a day that it chooses.
        unknown: why the vCPUs are not known.
    """

    major: str
    standard: date | None
    extended: date | None
    vcpus: int
    opted_in: bool
    unknown: str = ""

    def __repr__(self) -> str:
        """One line, loud where the end is near."""
        if self.standard is None:
            return f"PostgreSQL {self.major}: RDS names no end of standard support"
        days = (self.standard - tags.today()).days
        loud = "WARNING: " if days < offers.NEAR_DAYS else ""
        text = f"{loud}PostgreSQL {self.major}: standard support until {self.standard}; then "
        if not self.opted_in:
            return f"{text}RDS upgrades it by itself, since Extended Support is opted out"
        early, late = (f"{price * self.vcpus * prices.HOURS_A_MONTH:.0f}" for price in EXTENDED_PRICES)
        cost = f"about {early} USD a month more, {late} from the third year on"
        cost = cost if self.vcpus else f"at a price for each vCPU, unknown: {self.unknown}"
        return f"{text}Extended Support until {self.extended}, {cost}"


def support(target: Target, *versions: str) -> tuple[Support, ...]:
    """How long RDS supports these versions, as the target's instance has them."""
    found = instances.require(target)
    opted_in = found.raw.get("EngineLifecycleSupport", EXTENDED_SUPPORT) == EXTENDED_SUPPORT
    vcpus, unknown = prices.vcpus(target, found.db_instance_class)
    vcpus *= 2 if found.raw.get("MultiAZ") else 1
    return tuple(_support(target, version, vcpus, opted_in, unknown) for version in versions)


def _support(target: Target, version: str, vcpus: int, opted_in: bool, unknown: str) -> Support:
    periods = offers.lifecycles(target, version)
    standard, extended = (offers.end_of_support(periods, name) for name in (offers.STANDARD_SUPPORT, EXTENDED_SUPPORT))
    return Support(major(version), standard, extended, vcpus, opted_in, unknown)


def extensions(target: Target, version: str) -> frozenset[str]:
    """The extensions that RDS has of a major version (User Guide, "Supported PostgreSQL extension versions")."""
    found = {row["ParameterName"]: row for row in defaults(target, version)}.get("rds.extensions", {})
    listed = found.get("AllowedValues") or found.get("ParameterValue") or ""
    return frozenset(name.strip() for name in listed.split(",") if name.strip())


def defaults(target: Target, version: str) -> list[dict[str, str]]:
    """The parameters of a major version, as RDS has them by default."""
    family = f"{ENGINE}{major(version)}"
    return aws.pages(target, "rds", "describe_engine_default_parameters", DBParameterGroupFamily=family)
