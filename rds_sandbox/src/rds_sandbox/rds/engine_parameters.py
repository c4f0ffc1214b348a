"""The parameters of the engine: PostgreSQL's own as its server program lists them, and those that RDS adds.

Sources: PostgreSQL 18, postgres's reference page (--describe-config); catalog.toml for what RDS makes of them.
"""

import ast
import math
import operator
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from moto.rds.exceptions import InvalidParameterValue

from rds_sandbox.errors import NotInSandbox
from rds_sandbox.postgres import Programs, extensions
from rds_sandbox.rds import facts

TYPES = {"INTEGER": "integer", "REAL": "float", "BOOLEAN": "boolean", "ENUM": "string", "STRING": "string"}
NUMBERS = {"integer": int, "float": float}
OPERATORS: Mapping[type, Any] = {ast.Mult: operator.mul, ast.Div: operator.floordiv, ast.Add: operator.add, ast.Sub: operator.sub}
COMPARISONS: Mapping[type, Any] = {ast.Gt: operator.gt, ast.Lt: operator.lt, ast.GtE: operator.ge, ast.LtE: operator.le}
FUNCTIONS: Mapping[str, Any] = {
    "GREATEST": max,
    "LEAST": min,
    "LOG": lambda value: math.log2(max(1, value)),
    "SUM": lambda *values: sum(values),
}


@dataclass(frozen=True)
class Parameter:
    """A parameter as DescribeDBParameters has it."""

    name: str
    kind: str
    static: bool
    description: str
    allowed: str = ""  # a range such as 1-100, or values with commas; empty where anything is
    modifiable: bool = True
    value: str | None = None  # RDS's own default, where it sets one; the engine's is not told

    def check(self, value: str) -> None:
        """Refuse a value that it cannot have."""
        if not self.modifiable:
            raise InvalidParameterValue(f"The parameter {self.name} cannot be modified.")
        if self._is_elsewhere(value):
            raise NotInSandbox(f"the value {value} of {self.name} is not in the sandbox: its server lacks that")
        if "\n" in value or "\r" in value or not self._allows(value):  # a line of a file cannot have another
            raise InvalidParameterValue(f"Invalid parameter value: {value} for: {self.name} allowed values are: {self.allowed}")

    def _is_elsewhere(self, value: str) -> bool:
        """Whether RDS has this value, and the programs or the locales here have not."""
        table = facts.tables()["parameters"]
        if self.name.startswith("lc_"):
            return value.lower() not in table["locales"]
        return value.lower() in table["builds"].get(self.name, ()) and not self._allows(value)

    def _allows(self, value: str) -> bool:
        compares = bool(re.search("[<>]", value))
        if self.kind in NUMBERS:
            least, most = map(NUMBERS[self.kind], re.fullmatch(r"(.+?)-(-?[^-]+)", self.allowed).groups())  # type: ignore[union-attr]
            try:
                found = NUMBERS[self.kind](value)
            except ValueError:
                return is_formula(value) and not compares
            return bool(least <= found <= most)
        if self.kind == "boolean" and compares:
            return is_formula(value)
        parts = [part.strip() for part in value.split(",")] if self.name in facts.tables()["parameters"]["lists"] else [value]
        known = self.allowed.lower().split(",")  # the engine takes a value of an enumeration in any case (PostgreSQL 18, 19.1)
        return not self.allowed or all(part.lower() in known for part in parts)


@cache
def of(programs: Programs, major: int) -> dict[str, Parameter]:
    """All parameters of a major version, by name, as far as the sandbox's server has them."""
    table = facts.tables()["parameters"]
    found = [_engines(programs, line.split("\t")) for line in programs.run("postgres", "--describe-config").splitlines()]
    rds = [Parameter(**{**row, "value": row["value"].get(str(major), row["value"].get("other"))}) for row in table["rds"]]
    for library, rows in table["libraries"].items():
        if programs.has_library(library):
            found += [Parameter(f"{library}.{name}", *columns) for name, columns in rows.items()]
    offered = ", ".join(extensions.names(major))
    rds.append(Parameter("rds.extensions", "string", True, "List of provided extensions", offered, False, offered))
    return {each.name: each for each in sorted([*found, *rds], key=lambda each: each.name)}


def _engines(programs: Programs, columns: list[str]) -> Parameter:
    """From a line of --describe-config: name, context, group, type, default, least, most, description."""
    name, context, _, kind, _, least, most, description = columns[:8]
    name = name.lower()  # as RDS has datestyle, intervalstyle and timezone
    table = facts.tables()["parameters"]
    usual = {"BOOLEAN": "0,1", "INTEGER": f"{least}-{most}", "REAL": f"{least}-{most}"}
    allowed = table["allowed"].get(name) or usual.get(kind, "")
    if kind == "ENUM":
        allowed = allowed or _values(programs, name)
    modifiable = name not in table["locked"] and not name.startswith(tuple(table["locked_prefixes"]))
    value = table["defaults"].get(name)
    return Parameter(name, TYPES[kind], context == "postmaster", description, allowed, modifiable, value)


def _values(programs: Programs, name: str) -> str:
    """Those of an enumeration, which the server tells whoever gives it another."""
    try:
        programs.run("postgres", "-C", name, "-c", f"{name}=?", "-D", "/")
    except subprocess.CalledProcessError as error:
        found = re.search(r"Available values: (.*)\.", str(error.stderr))
        return found[1].replace(", ", ",") if found else ""
    return ""


def find(parameters: Mapping[str, Parameter], name: str) -> Parameter:
    """The parameter of this name."""
    table = facts.tables()["parameters"]
    library = name.partition(".")[0] if "." in name and name not in parameters else ""
    if name in table["lacking"] or library in {*table["prefixes"], *table["allowed"]["shared_preload_libraries"].split(",")}:
        raise NotInSandbox(f"the parameter {name} is not in the sandbox")
    if name not in parameters:
        raise InvalidParameterValue(f"Could not find parameter with name: {name}")
    return parameters[name]


def is_formula(value: str) -> bool:
    """Whether it is one that RDS understands, or compares two of them (User Guide, "Specifying DB parameters")."""
    if not re.search(r"[{(]", value):
        return False
    try:
        evaluate(value, dict.fromkeys(("DBInstanceClassMemory", "DBInstanceVCPU", "AllocatedStorage", "EndPointPort"), 1 << 30))
    except (ValueError, SyntaxError, KeyError, ZeroDivisionError):
        return False
    return True


def evaluate(formula: str, variables: Mapping[str, int]) -> int:
    """What a formula such as LEAST({DBInstanceClassMemory/9531392},5000) comes to; memory is in bytes."""
    plain = formula.strip().replace("{", "(").replace("}", ")").replace("=>", ">=").replace("=<", "<=")
    return int(_evaluated(ast.parse(plain, mode="eval").body, variables))


def _evaluated(node: ast.AST, variables: Mapping[str, int]) -> Any:
    match node:
        case ast.Constant(value=int() as number):
            return number
        case ast.Name(id=name):
            return variables[name]
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
            return OPERATORS[type(sign)](_evaluated(left, variables), _evaluated(right, variables))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluated(operand, variables)
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in COMPARISONS:
            return COMPARISONS[type(sign)](_evaluated(left, variables), _evaluated(right, variables))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name.upper() in FUNCTIONS and arguments:
            return FUNCTIONS[name.upper()](*(_evaluated(each, variables) for each in arguments))
    raise ValueError("no formula")
