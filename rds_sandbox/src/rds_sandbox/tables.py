"""The facts about AWS that the sandbox answers by: TOML files beside the code, which name their sources."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def read(package: str, name: str) -> dict[str, Any]:
    """The tables of a file of the package."""
    return tomllib.loads((files(package) / name).read_text(encoding="utf-8"))


def code(kind: str, *names: str) -> Any:
    """Of an error of this kind: that of the first of these services and protocols that codes.toml knows, else of all others."""
    table = read(__package__, "codes.toml")[kind]
    return next((table[name] for name in names if name in table), table["others"])


def limits(service: str) -> dict[str, Any]:
    """What the service has as its limits and defaults: a table of limits.toml."""
    found: dict[str, Any] = read(__package__, "limits.toml")[service]
    return found
