"""What the package advises: no sentence names a command that destroys, since a runner shows that as what mends a failure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import click
import pytest
from click.testing import CliRunner

import cruddur_ops
from cruddur_ops.cli import main
from cruddur_ops.errors import OpsError, aimed
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


def test_remedies_name_the_target_that_was_meant() -> None:
    """Verbs and notebooks, unless they name one or know their own; the default target goes without saying."""
    for text, expected in (
        ("run 02_open_security_group, or `cruddur-ops security-group open`",
         'run 02_open_security_group with target = "prod", or `cruddur-ops security-group open --target prod`'),
        ("`cruddur-ops db connect -- -c 'SELECT 1'`", "`cruddur-ops db connect --target prod -- -c 'SELECT 1'`"),
        ("`cruddur-ops db adopt --target prod`", "`cruddur-ops db adopt --target prod`"),
        ("`cruddur-ops targets`, `cruddur-ops run --resume x`", "`cruddur-ops targets`, `cruddur-ops run --resume x`"),
    ):  # fmt: skip
        assert (text, expected, expected) == (aimed(text, "local"), aimed(text, "prod"), aimed(aimed(text, "prod"), "prod"))


def test_only_verbs_with_a_target_are_given_one() -> None:
    """Of all that the package's sentences name."""
    wrong, seen = list[str](), 0
    for path in PACKAGE.rglob("*.py"):
        for text in sentences(path.read_text(encoding="utf-8")):
            for words in re.findall(r"`cruddur-ops ([a-z][^`]*)`", text):
                command: click.Command = main
                for word in words.split():
                    command = (isinstance(command, click.Group) and command.commands.get(word)) or command
                named = "--target" in aimed(f"`cruddur-ops {words}`", "prod")
                takes = "target" in {one.name for one in command.params}
                known = re.search("--(resume|approved)", words) or isinstance(command, click.Group)
                wrong += [words] if named != takes and not known else []
                seen += 1
    assert ([], True) == (wrong, seen > 40)


def test_the_command_line_names_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In what it says of any failure, however the target was named."""
    (tmp_path / "targets.toml").write_text('[prod]\naccount_id = "123456789012"\n')
    monkeypatch.setenv("CRUDDUR_TARGETS", str(tmp_path / "targets.toml"))
    refusal = OpsError("x is stopped: start it with `cruddur-ops rds start`")
    monkeypatch.setattr("cruddur_ops.rds.look", Mock(side_effect=refusal))
    for words in (("--target", "prod"), ("--target=prod",), ("prod",)):
        said = CliRunner().invoke(main, ["rds", "status", *words]).stderr
        assert "x is stopped: start it with `cruddur-ops rds start --target prod`\n" == said


def test_such_a_sentence_would_be_found() -> None:
    """Also within an f-string, or as the name of the notebook."""
    for text in (
        'f"{name}: `cruddur-ops rds teardown` takes it off"',
        '"run 10_teardown again"',
        '"`aws rds delete-db-instance`"',
    ):
        assert [True] == [bool(DESTROYING.search(one)) for one in sentences(f"raise Error({text})")]
