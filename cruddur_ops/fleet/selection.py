"""Which targets a fleet has: by pattern or tag, each instance once; WrongInput where that cannot be used."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from cruddur_ops import targets
from cruddur_ops.errors import WrongInput, nearest
from cruddur_ops.target import PORT, Target


def select(patterns: Sequence[str], sections: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The names that fit, in the order of the patterns, and of the file for each: the first is the canary.

    Args:
        patterns: such as "prod-*", or "team=payments" for what has this tag.
        sections: those of targets.toml.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        fitting = [name for name, section in sections.items() if _fits(pattern, name, section)]
        if not fitting:
            tags = {f"{key}={value}" for section in sections.values() for key, value in targets.tags_of(section).items()}
            advice = nearest(pattern, [*sections, *tags], f"use one of {', '.join([*sections, *sorted(tags)])}")
            raise WrongInput(f'no target fits "{pattern}": {advice}')
        found |= dict.fromkeys(fitting)
    if not found:
        raise WrongInput("no targets are named: give --targets with a pattern such as 'prod-*', or a tag such as team=payments")
    return tuple(found)


def _fits(pattern: str, name: str, section: Mapping[str, Any]) -> bool:
    key, is_tag, wanted = pattern.partition("=")
    tags = targets.tags_of(section)
    return key in tags and fnmatchcase(tags[key], wanted) if is_tag else fnmatchcase(name, pattern)


def require_distinct(found: Iterable[Target]) -> None:
    """Refuse two targets that are the same instance: they would wait for each other, or do everything twice."""
    places: dict[tuple[str, ...], str] = {}
    for target in found:
        other = places.setdefault(_place(target), target.name)
        if other != target.name:
            where = "server and database" if target.connection_url else f"instance, {target.db_instance_identifier}"
            raise WrongInput(f"{other} and {target.name} are the same {where}, so nothing was started: name one of them")


def _place(target: Target) -> tuple[str, ...]:
    if target.connection_url:
        from cruddur_ops.database.location import locate  # imports SQLAlchemy

        found = locate(target)
        return (found.host.lower(), found.port or str(PORT), found.database)
    account = (target.account_id,) if target.account_id else (target.profile, target.role_arn)
    return (target.endpoint_url, target.region, target.db_instance_identifier, *account)
