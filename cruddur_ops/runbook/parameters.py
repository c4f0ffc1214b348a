"""A notebook's parameters: what its cell declares, and a text as a value of the declared type."""

from __future__ import annotations

import ast
import difflib
import io
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cruddur_ops.errors import UnknownParameter, WrongType
from cruddur_ops.targets import typed

TYPES = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}


@dataclass(frozen=True)
class Parameter:
    """One line of the cell tagged `parameters`: `name: type = default  # help`.

    Attributes:
        name: of the variable.
        type: "str", "int", "float" or "bool".
        default: what the cell assigns.
        help: the line's comment.
        choices: of a `Literal` type, or what the comment lists after "one of"; empty where any value will do.
    """

    name: str
    type: str
    default: Any
    help: str = ""
    choices: tuple[Any, ...] = ()

    def convert(self, given: Any) -> Any:
        """What was given, text or a value, as a value of the declared type.

        Raises:
            WrongType: it does not fit.
        """
        value = self._number(given) if self.type == "float" else typed(self.name, given, self.type)
        if self.choices and value not in (*self.choices, self.default):
            texts = [str(choice) for choice in self.choices]
            near = difflib.get_close_matches(str(value), texts, n=1)
            advice = f'did you mean "{near[0]}"?' if near else f"use one of {', '.join(texts)}"
            raise WrongType(f'{self.name} cannot be "{value}": {advice}')
        return value

    def _number(self, given: Any) -> float:
        try:
            return float(given)
        except (TypeError, ValueError) as error:
            raise WrongType(f'{self.name} must be a number, not "{given}": correct the value') from error

    def __str__(self) -> str:
        """What may be given, what for, and what holds where nothing is."""
        kind = " | ".join(str(choice) for choice in self.choices) or TYPES[self.type]
        return "; ".join(part for part in (kind, self.help, f'default "{self.default}"') if part)


def declared(source: str) -> dict[str, Parameter]:
    """The parameters that a cell declares, by name, in its order.

    Read from the syntax tree: papermill's own inspection, a regular expression, passes over a line
    with a second "=", and cuts a default at "#". Other types than those offered stay notebook variables
    that the command line cannot set.

    Raises:
        SyntaxError: the cell is no Python.
        WrongType: a choice is not of the declared type.
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
    annotation = statement.annotation if isinstance(statement, ast.AnnAssign) else ast.Name(type(default).__name__)
    literals = _literals(annotation)
    kind = type(literals[0]).__name__ if literals else ast.unparse(annotation)
    if not isinstance(target, ast.Name) or kind not in TYPES:
        return None
    parameter = Parameter(target.id, kind, default, comments.get(statement.end_lineno or 0, ""))
    return replace(parameter, choices=literals or tuple(parameter.convert(text) for text in _listed(parameter.help)))


def _literals(annotation: ast.expr) -> tuple[Any, ...]:
    """The values of a `Literal[...]` (typing module); none for another type."""
    if not isinstance(annotation, ast.Subscript) or not ast.unparse(annotation.value).endswith("Literal"):
        return ()
    found = ast.literal_eval(annotation.slice)
    return found if isinstance(found, tuple) else (found,)


def _listed(comment: str) -> list[str]:
    """What a comment lists, as in "one of a, b or c": papermill itself does not read literals of text."""
    _, found, values = comment.rpartition("one of ")
    return re.split(r",\s*|\s+or\s+", values.strip()) if found else []


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
