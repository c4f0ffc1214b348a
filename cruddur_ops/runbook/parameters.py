"""A notebook's parameters: what its cell declares, and the values that a run gives them."""

from __future__ import annotations

import ast
import difflib
import io
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cruddur_ops.errors import UnknownParameter, WrongInput, WrongType
from cruddur_ops.targets import typed

OFFERED = ("str", "int", "float", "bool")


@dataclass(frozen=True)
class Parameter:
    """One line of the cell tagged `parameters`: `name: type = default  # help`."""

    name: str
    type: str
    default: Any
    help: str = ""

    def convert(self, text: Any) -> Any:
        """The text as a value of the declared type.

        Raises:
            WrongType: it does not fit.
        """
        if self.type != "float":
            return typed(self.name, text, self.type)
        try:
            return float(text)
        except ValueError as error:
            raise WrongType(f'{self.name} must be a number, not "{text}": correct the value') from error


def declared(source: str) -> dict[str, Parameter]:
    """The parameters that a cell declares, by name, in its order.

    Read from the syntax tree: papermill's own inspection, a regular expression, passes over a line
    with a second "=", and cuts a default at "#". Other types than those offered stay notebook variables
    that the command line cannot set.

    Raises:
        SyntaxError: the cell is no Python.
    """
    comments = _comments(source)
    found = (_parameter(statement, comments) for statement in ast.parse(source).body)
    return {parameter.name: parameter for parameter in found if parameter}


def _comments(source: str) -> dict[int, str]:
    """The comment on each line that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _parameter(statement: ast.stmt, comments: Mapping[int, str]) -> Parameter | None:
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
        return None
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    try:
        default = ast.literal_eval(statement.value)
    except ValueError:  # computed, such as a date: nothing that the command line could be compared with
        return None
    kind = ast.unparse(statement.annotation) if isinstance(statement, ast.AnnAssign) else type(default).__name__
    if not isinstance(target, ast.Name) or kind not in OFFERED:
        return None
    return Parameter(target.id, kind, default, comments.get(statement.end_lineno or 0, ""))


def require_known(names: Iterable[str], offered: Iterable[str]) -> None:
    """Refuse the first name that is not offered, and say which is nearest.

    Raises:
        UnknownParameter: there is one.
    """
    choices = sorted(offered)
    for name in names:
        if name not in choices:
            near = difflib.get_close_matches(name, choices, n=1)
            advice = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(choices) or 'none but target and confirm'}"
            raise UnknownParameter(f'no notebook of this run has a parameter "{name}": {advice}')


def refuse_secrets(given: Mapping[str, str]) -> None:
    """Refuse a URL with a password: papermill would write it into the executed notebook, twice.

    Raises:
        WrongInput: there is one.
    """
    for name, value in given.items():
        if "://" in value and urlsplit(value).password:
            message = f"{name} holds a password, which a notebook would keep: set CONNECTION_URL in the environment instead"
            raise WrongInput(message)


def values(given: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """Of what was given, what these parameters declare, as their types.

    Raises:
        WrongType: a value does not fit.
    """
    return {name: parameters[name].convert(value) for name, value in given.items() if name in parameters}
