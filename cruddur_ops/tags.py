"""Tags that say who made a resource, with what, for which DB instance, and until when it is wanted.

A resource is ours where it says so: with ManagedBy, and with the identifier of this very target's DB instance. A name proves
nothing. What a version before the second tag made has the first alone: 01 and 03 show that they add it, all else is left alone.

Making them raises WrongInput where AWS would refuse the owner's name; relying on what is not ours likewise.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

from cruddur_ops import limits
from cruddur_ops.errors import WrongInput
from cruddur_ops.target import Target

MANAGED_BY = "cruddur-ops"
INSTANCE, REGION = "DBInstance", "Region"  # the second for what has no region of its own, such as a role


def today() -> date:
    """The date in UTC, in which expiry dates are written."""
    return datetime.now(UTC).date()


def wanted(owner: str, days: int, on: date) -> dict[str, str]:
    """The tags of a resource made on that date; 0 days mean that it does not expire."""
    if not (owner and limits.OWNER.holds(owner)):
        raise WrongInput(f'the owner "{owner}" cannot stand in a tag: set CRUDDUR_OWNER to {limits.OWNER.words}')
    tags = {"Owner": owner, "Project": "cruddur", "ManagedBy": MANAGED_BY}
    return tags | ({"Expires": (on + timedelta(days=days)).isoformat()} if days else {})


def of(target: Target, days: int | None = None, on: date | None = None) -> dict[str, str]:
    """The tags of what is made for the target today or then, and expires with its instance or after these days.

    Those that its operator adds come first.
    """
    extra = (one.strip().partition("=") for one in target.extra_tags.split(",") if one)
    made = wanted(target.owner, target.instance_days if days is None else days, on or today())
    return {key: value for key, _, value in extra} | made | {INSTANCE: target.db_instance_identifier}


def missing(expected: Mapping[str, str], found: Mapping[str, str]) -> dict[str, str]:
    """The tags that are to be set: absent ones, and those of the runbook that were changed.

    Whose a resource is, what for and until when stays as it was said first: else each owner's run would undo the last one's.
    """
    kept = {"Owner", "Project", "Expires"} & found.keys()
    return {key: value for key, value in expected.items() if key not in kept and found.get(key) != value}


def as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """The tags in the form of AWS: Key and Value."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def as_mapping(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The tags in the form of AWS, by key."""
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


def ours(target: Target, found: Mapping[str, str]) -> bool:
    """Whether this runbook made the resource, for this very target."""
    wanted = {"ManagedBy": MANAGED_BY, INSTANCE: target.db_instance_identifier, REGION: target.region}
    return wanted.items() <= {REGION: target.region, **found}.items()


def unclaimed(found: Mapping[str, str]) -> bool:
    """Whether this runbook made it, and did not say yet for which instance."""
    return found.get("ManagedBy") == MANAGED_BY and INSTANCE not in found


def require_ours(target: Target, found: Mapping[str, str], resource: str) -> None:
    """Refuse to change or rely on what was not made for this target, whatever its name."""
    require_all_ours(target, {resource: found})


def require_all_ours(target: Target, found: Mapping[str, Mapping[str, str]]) -> None:
    """The same for several resources, by what each is called: those of others are told at once."""
    others = " and a ".join(resource for resource, labels in found.items() if not ours(target, labels))
    if others:
        message = f"there is a {others} already, which was not made for {target.db_instance_identifier}"
        marks = f"tag it with ManagedBy={MANAGED_BY} and {INSTANCE}={target.db_instance_identifier}"
        raise WrongInput(f"{message}: {marks} if it is this target's, else set another db_instance_identifier")


def days_left(tags: Mapping[str, str], on: date) -> int | None:
    """Days until the expiry date, negative after it; None where there is none, or none that can be read."""
    try:
        return (date.fromisoformat(tags.get("Expires", "")) - on).days
    except ValueError:
        return None
