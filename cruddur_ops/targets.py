"""Where to act: named targets, and for each of their settings the value and where it came from.

WrongInput is raised where targets.toml cannot be read, has no such section, or a setting's name or value cannot be used;
where a target that is not the sandbox is to change without an account_id, or meets an endpoint of AWS in the environment.
"""

import difflib
import os
import re
import textwrap
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cruddur_ops import addresses, limits, redaction
from cruddur_ops.errors import WrongInput, nearest
from cruddur_ops.state import PROJECT, read_text, require_checkout, sandbox_environment, user
from cruddur_ops.target import DEFAULT, ENDPOINT, SETTINGS, Target

TAGS = "tags"  # a table in a section
LONGEST = 60  # characters of a wrong value that are shown
PREFIX, LIKENESS = "CRUDDUR_", 0.8  # of variables; and of two names of which one is the other misspelt, as difflib measures it
OTHERS = {"TARGETS", "STATE_DIR", "RUNS", "APPROVED", "LEDGER", "LOCK"}  # what variables say that are no settings

TYPES = {"bool": bool, "int": int, "float": float, "str": str}


def targets_file() -> Path:
    """CRUDDUR_TARGETS, else targets.toml of the project."""
    return Path(os.environ.get("CRUDDUR_TARGETS") or PROJECT / "targets.toml")


def read_targets() -> dict[str, dict[str, Any]]:
    """The sections of targets.toml."""
    path = targets_file()
    try:
        found = tomllib.loads(read_text(path, "utf-8-sig"))
    except FileNotFoundError as error:
        require_checkout()
        raise WrongInput(f"{path} is missing: restore it, or name another file in CRUDDUR_TARGETS") from error
    except OSError as error:
        raise WrongInput(f"{path} cannot be read ({error.strerror}): mend that, or name another in CRUDDUR_TARGETS") from error
    except (ValueError, RecursionError) as error:
        raise WrongInput(f"{path} is not valid TOML ({error}): mend that line") from error
    for name, section in found.items():
        if not isinstance(section, dict):
            raise WrongInput(f'"{name}" in {path} is no section: write [{name}] on a line of its own, and its settings below')
    return found


def load(name: str = "local", confirm: str = "", **parameters: Any) -> Target:
    """Resolve a target: parameter before environment variable, file and default.

    Args:
        name: a section of targets.toml.
        confirm: the name that was typed, for a protected target.
        parameters: settings given by the caller; None and "" mean not given.
    """
    sections = read_targets()
    if name not in sections:
        others = f"use one of {', '.join(sections)}, or " if sections else ""
        remedy = f"{others}add a section to {targets_file()}"
        raise WrongInput(f'there is no target "{name}": {remedy}')
    return from_section(name, sections[name], confirm, **parameters)


def from_section(name: str, section: Mapping[str, Any], confirm: str = "", **parameters: Any) -> Target:
    """The same for a section that need not be in the file."""
    _require_none_misspelt()
    given = {key: value for key, value in parameters.items() if value not in (None, "")}
    tags_of(section)
    section = {key: value for key, value in section.items() if key != TAGS}
    for key in (*given, *section):
        _require_known(key)
    fixed = _fixed(section)
    for key in given:
        if key in fixed:
            raise WrongInput(f'"{key}" cannot be given for one run: it is set in {targets_file()} alone')
    _require_no_endpoint(name, section)
    sandbox = sandbox_environment() if _is_sandbox(section) else {}
    values, sources = {}, {}
    for key in SETTINGS:
        variables = () if key in fixed else _variables(name, key)
        values[key], sources[key] = _resolve(key, given, variables, section, sandbox)
        _require_within(key, values[key], sources[key])
    if limits.is_link(values["notify"]):
        redaction.remember_webhook(values["notify"])
    if values["operator_address"]:
        addresses.given(values["operator_address"])
    return Target(name, **values, sources=sources, confirm=confirm)


def tags_of(section: Mapping[str, Any]) -> dict[str, str]:
    """By what a fleet finds the targets of a section: its table `tags`."""
    found = section.get(TAGS, {})
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise WrongInput(f'tags in {targets_file()} must be names with texts: write tags = {{ team = "payments" }}')
    return found


def _is_sandbox(section: Mapping[str, Any]) -> bool:
    return bool(typed("sandbox", section.get("sandbox", False)))


def _fixed(section: Mapping[str, Any]) -> set[str]:
    """The settings that neither a variable nor a parameter gives: what a protected target is, and where, the file says alone.

    Without a profile in the file the credentials are those of the ordinary chain, AWS_PROFILE's among them.
    """
    fixed = {key for key, spec in SETTINGS.items() if spec.metadata["file_only"]}
    if not _is_sandbox(section):
        fixed.add("endpoint_url")
    if typed("protected", section.get("protected", not _is_sandbox(section))):
        fixed |= {"region", *({"profile"} & section.keys())}
    return fixed


def _require_no_endpoint(name: str, section: Mapping[str, Any]) -> None:
    if section.get("endpoint_url") and not _is_sandbox(section):
        raise WrongInput(f"[{name}] is not the sandbox and has an endpoint_url: take that out of {targets_file()}")


def require_real_endpoint(target: Target) -> None:
    """Refuse a shell that is meant for the sandbox, where the target is another."""
    left = sorted(name for name, url in os.environ.items() if url and f"{name}_".startswith(f"{ENDPOINT}_"))
    if left and not target.sandbox:
        message = f'{left[0]} is set, and target "{target.name}" is not the sandbox'
        raise WrongInput(f"{message}, so nothing was asked or changed: `unset {' '.join(left)}`, or use another shell")


def require_pinned(target: Target) -> None:
    """Refuse to change anything in an account that the target does not name."""
    if not (target.sandbox or target.account_id):
        message = f'target "{target.name}" names no account and may only look, so nothing was changed'
        raise WrongInput(f'{message}: add account_id = "123456789012", with its digits, to [{target.name}] of {targets_file()}')


def _require_known(key: str) -> None:
    if key not in SETTINGS:
        advice = nearest(key, SETTINGS, "`cruddur-ops targets` lists them")
        raise WrongInput(f'"{key}" is not a setting of a target: {advice}')


def _require_none_misspelt() -> None:
    """Refuse a variable that is nearly one of ours, and would be ignored; what is unlike them all is somebody else's."""
    known = OTHERS | {key.upper() for key in SETTINGS}
    for name in sorted(name.removeprefix(PREFIX) for name, value in os.environ.items() if value and name.startswith(PREFIX)):
        near = difflib.get_close_matches(name, known, n=1, cutoff=LIKENESS)
        if near and name not in known and not _is_parameter(name.lower()):
            raise WrongInput(f'{PREFIX}{name} is set, and means nothing: did you mean "{PREFIX}{near[0]}"? Else unset it')


def _is_parameter(name: str) -> bool:
    """Whether a notebook has this parameter, which a variable may give, too."""
    return name != "target" and any(f'"{name}: ' in read_text(path) for path in (PROJECT / "notebooks").glob("*.ipynb"))


def _require_within(key: str, value: Any, source: str) -> None:
    limit = SETTINGS[key].metadata["limit"]
    if limit and source != DEFAULT and not limit.holds(value):
        raise WrongInput(f'{key} cannot be "{_short(key, value)}" ({source}): it is {limit.words}')


def _resolve(
    key: str, given: Mapping[str, Any], variables: Iterable[str], section: Mapping[str, Any], sandbox: Mapping[str, str]
) -> tuple[Any, str]:
    if key in given:
        return typed(key, given[key]), "parameter"
    for variable in variables:
        if os.environ.get(variable):
            return typed(variable, os.environ[variable], SETTINGS[key].type), f"environment {variable}"
        if sandbox.get(variable):
            return sandbox[variable], "sandbox"
    if key in section:
        return typed(key, section[key]), targets_file().name
    return _default(key, section), DEFAULT


def connection_variable(target: str) -> str:
    """The environment variable of a target's connection URL."""
    return "CONNECTION_URL" if target == "local" else f"{target.upper().replace('-', '_')}_CONNECTION_URL"


def _variables(target: str, key: str) -> tuple[str, ...]:
    if key == "connection_url":
        return (connection_variable(target),)
    variables: tuple[str, ...] = SETTINGS[key].metadata["variables"]
    return (*variables, f"{PREFIX}{key.upper()}")


def _default(key: str, section: Mapping[str, Any]) -> Any:
    if key == "protected":
        return not _is_sandbox(section)
    return user() if key == "owner" else SETTINGS[key].default


def typed(name: str, value: Any, type_name: Any = None) -> Any:
    """The value as the type that is declared for it.

    Args:
        name: the setting, parameter or environment variable, for the message.
        value: text, or a value of the right type already.
        type_name: "bool", "int", "float" or "str"; by default that of the setting called `name`.
    """
    wanted = TYPES[str(type_name or SETTINGS[name].type)]
    if isinstance(value, str) and not limits.is_utf8(value):
        raise WrongInput(f"{name} must be text in UTF-8: correct the value")
    if type(value) is wanted:
        return value
    if isinstance(value, str) and wanted is int and re.fullmatch(r"-?\d{1,100}", value, re.ASCII):
        return int(value)
    if isinstance(value, str) and wanted is bool and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, (str, int)) and wanted is float:
        with suppress(ValueError):
            return float(value)
    expected = {bool: "true or false", int: "a whole number", float: "a number", str: "text in quotes"}[wanted]
    raise WrongInput(f'{name} must be {expected}, not "{_short(name, value)}": correct the value')


def _short(name: str, value: Any) -> str:
    """As much of a wrong value as fits into a sentence; a number may be too long to be written at all, a secret is not shown."""
    if name in SETTINGS and SETTINGS[name].metadata["secret"]:
        return redaction.MASK
    with suppress(ValueError):
        return textwrap.shorten(ascii(value)[1:-1] if isinstance(value, str) else str(value), LONGEST, placeholder="...")
    return "a very long number"
