"""A notebook's parameters: what its cell declares, and the values that a run gives to them, each with its source.

WrongInput is raised where a name or a value cannot be used.
"""

import ast
import io
import os
import re
import tokenize
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cruddur_ops.errors import WrongInput, nearest
from cruddur_ops.state import read_text
from cruddur_ops.targets import typed

TYPES = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}
COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Parameter:
    """One line of the cell tagged `parameters`: `name: type = default  # help`."""

    name: str
    type: str  # a key of TYPES
    default: Any
    help: str = ""
    choices: tuple[Any, ...] = ()  # what the comment lists after "one of"; empty where any value will do

    def convert(self, given: Any) -> Any:
        """What was given, text or a value, as a value of the declared type."""
        value = typed(self.name, given, self.type)
        if self.choices and value not in (*self.choices, self.default):
            texts = [str(choice) for choice in self.choices]
            raise WrongInput(f'{self.name} cannot be "{value}": {nearest(str(value), texts, "use one of " + ", ".join(texts))}')
        return value

    def __str__(self) -> str:
        """What may be given, what for, and what holds where nothing is."""
        kind = " | ".join(str(choice) for choice in self.choices) or TYPES[self.type]
        return "; ".join(part for part in (kind, self.help, f'default "{self.default}"') if part)


@dataclass(frozen=True)
class Given:
    """A value, text or of its type already, and where it came from."""

    value: Any
    source: str


def declared(source: str) -> dict[str, Parameter]:
    """The parameters that a cell declares, by name, in its order; SyntaxError where it is no Python.

    Read from the syntax tree: papermill's own inspection, a regular expression, passes over a line
    with a second "=", and cuts a default at "#". Other types than those offered stay notebook variables
    that the command line cannot set.
    """
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    found = (_parameter(statement, comments) for statement in ast.parse(source).body)
    return {parameter.name: parameter for parameter in found if parameter}


def _parameter(statement: ast.stmt, comments: Mapping[int, str]) -> Parameter | None:
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
        return None
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    try:
        default = ast.literal_eval(statement.value)
    except ValueError:  # computed, such as a date: nothing that the command line could be compared with
        return None
    kind = ast.unparse(statement.annotation) if isinstance(statement, ast.AnnAssign) else type(default).__name__
    if not isinstance(target, ast.Name) or kind not in TYPES:
        return None
    parameter = Parameter(target.id, kind, default, comments.get(statement.end_lineno or 0, ""))
    _, found, choices = parameter.help.rpartition("one of ")
    listed = re.split(r",\s*|\s+or\s+", choices.strip()) if found else ()
    return replace(parameter, choices=tuple(parameter.convert(text) for text in listed))


def gather(options: Mapping[str, str], file: Path | None, offered: Iterable[str]) -> dict[str, Given]:
    """What is given for the offered parameters: option before file and environment variable CRUDDUR_<NAME>."""
    names = sorted(offered)
    found = read_file(file) if file else {}
    for name in (*options, *found):
        if name not in names:
            advice = nearest(name, names, f"there are {', '.join(names) or 'none but target and confirm'}")
            raise WrongInput(f'no notebook of this run has a parameter "{name}": {advice}')
    variables = {name: f"CRUDDUR_{name.upper()}" for name in names}
    given = {name: Given(os.environ[one], f"environment {one}") for name, one in variables.items() if os.environ.get(one)}
    given |= {name: Given(value, str(file)) for name, value in found.items()}
    given |= {name: Given(value, COMMAND_LINE) for name, value in options.items()}
    for name, one in given.items():
        if "://" in str(one.value) and urlsplit(str(one.value)).password:  # papermill would write it down, twice
            message = f"{name} holds a password, which a notebook would keep: set CONNECTION_URL in the environment instead"
            raise WrongInput(message)
    return given


def read_file(path: Path) -> dict[str, Any]:
    """The values in a YAML or TOML file of names and values."""
    import yaml

    try:
        text = read_text(path)
        found = tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise WrongInput(f"{path} cannot be read as YAML or TOML ({' '.join(str(error).split())}): correct it") from error
    if not isinstance(found, dict) or not all(isinstance(value, (str, int, float)) for value in found.values()):
        raise WrongInput(f"{path} must hold a line `name: value` for each parameter, or `name = value` in TOML: correct it")
    return {str(name): value for name, value in found.items()}


def typed_values(given: Mapping[str, Given], parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """Of what was given, what these parameters declare, as their types."""
    return {name: parameters[name].convert(one.value) for name, one in given.items() if name in parameters}


def described(given: Mapping[str, Given], parameters: Mapping[str, Parameter]) -> dict[str, dict[str, Any]]:
    """What each of these parameters will be, and its source."""
    values, rest = typed_values(given, parameters), Given(None, "default")
    return {
        name: {"value": values.get(name, parameter.default), "source": given.get(name, rest).source}
        for name, parameter in parameters.items()
    }
