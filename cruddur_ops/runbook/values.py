"""The values that a run gives to the notebooks' parameters, each with its source."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cruddur_ops.errors import WrongInput
from cruddur_ops.runbook.parameters import Parameter, require_known

COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Given:
    """A value, text or of its type already, and where it came from."""

    value: Any
    source: str


def gather(options: Mapping[str, str], file: Path | None, offered: Iterable[str]) -> dict[str, Given]:
    """What is given for the offered parameters: option before file and environment variable CRUDDUR_<NAME>.

    Raises:
        UnknownParameter: an option or the file names another one.
        WrongInput: the file cannot be used, or a value holds a password.
    """
    names = set(offered)
    found = read_file(file) if file else {}
    require_known([*options, *found], names)
    given = {name: Given(value, f"environment {variable}") for name, variable, value in _environment(names)}
    given |= {name: Given(value, str(file)) for name, value in found.items()}
    given |= {name: Given(value, COMMAND_LINE) for name, value in options.items()}
    _refuse_secrets(given)
    return given


def _environment(names: Iterable[str]) -> Iterable[tuple[str, str, str]]:
    variables = ((name, f"CRUDDUR_{name.upper()}") for name in sorted(names))
    return ((name, variable, os.environ[variable]) for name, variable in variables if os.environ.get(variable))


def read_file(path: Path) -> dict[str, Any]:
    """The values in a YAML or TOML file of names and values.

    Raises:
        WrongInput: it is missing, is neither, or holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
        found = tomllib.loads(text) if path.suffix == ".toml" else _read_yaml(text)
    except (OSError, ValueError) as error:
        raise WrongInput(f"{path} cannot be read as YAML or TOML ({' '.join(str(error).split())}): correct it") from error
    if not isinstance(found, dict) or not all(isinstance(value, (str, int, float)) for value in found.values()):
        raise WrongInput(f"{path} must hold a line `name: value` for each parameter, or `name = value` in TOML: correct it")
    return {str(name): value for name, value in found.items()}


def _read_yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _refuse_secrets(given: Mapping[str, Given]) -> None:
    """Refuse a URL with a password: papermill would write it into the executed notebook, twice."""
    for name, one in given.items():
        if "://" in str(one.value) and urlsplit(str(one.value)).password:
            message = f"{name} holds a password, which a notebook would keep: set CONNECTION_URL in the environment instead"
            raise WrongInput(message)


def typed_values(given: Mapping[str, Given], parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """Of what was given, what these parameters declare, as their types.

    Raises:
        WrongType: a value does not fit.
    """
    return {name: parameters[name].convert(one.value) for name, one in given.items() if name in parameters}


def described(given: Mapping[str, Given], parameters: Mapping[str, Parameter]) -> dict[str, dict[str, Any]]:
    """What each of these parameters will be, and its source."""
    values = typed_values(given, parameters)
    rest = Given(None, "default")
    return {
        name: {"value": values.get(name, parameter.default), "source": given.get(name, rest).source}
        for name, parameter in parameters.items()
    }
