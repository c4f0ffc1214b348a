"""What the package advises: no sentence names a command that destroys, since a runner shows that as what mends a failure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import cruddur_ops
from cruddur_ops.rds import inventory

PACKAGE = Path(cruddur_ops.__file__).parent
# What takes data away for good, of this program, of AWS's, and the notebook that does it.
DESTROYING = re.compile(
    r"(cruddur-ops|\brds|\bdb) (teardown|delete|delete-snapshot|drop|rollback)\b|cruddur-ops db setup"
    r"|aws [\w-]+ (delete|terminate|deregister|remove)-|skip-final-snapshot|force-delete|dropdb|10_teardown|run 10"
)
LISTED = {*inventory.COMMANDS.values()}  # what `rds leftovers` is asked for, each beside the name of what it removes


def sentences(source: str) -> Iterator[str]:
    """The strings of a module, f-strings whole, without docstrings."""
    tree = ast.parse(source)
    inner = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node) if part is not node
    }
    inner |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and id(node) not in inner:
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.value


def test_no_remedy_names_a_command_that_destroys() -> None:
    """In no sentence of the package: neither in its errors, nor in the table of verbs, notes and facts."""
    found = {
        f"{path.relative_to(PACKAGE)}: {text}"
        for path in PACKAGE.rglob("*.py")
        for text in sentences(path.read_text(encoding="utf-8"))
        if DESTROYING.search(text) and text not in LISTED
    }
    assert set() == found


def test_such_a_sentence_would_be_found() -> None:
    """Also within an f-string, or as the name of the notebook."""
    for text in (
        'f"{name}: `cruddur-ops rds teardown` takes it off"',
        '"run 10_teardown again"',
        '"`aws rds delete-db-instance`"',
    ):
        assert [True] == [bool(DESTROYING.search(one)) for one in sentences(f"raise Error({text})")]
