"""Which interpreter runs a function: our own, else one on PATH that is what it is called."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rds_sandbox import interpreters
from rds_sandbox.errors import NotInSandbox
from rds_sandbox.interpreters import find_interpreter, library_folder, own_runtime


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The one folder on PATH, empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    find_interpreter.cache_clear()
    return tmp_path


def program(path: Path, says: str) -> None:
    """A program called python3.99 that says this."""
    file = path / "python3.99"
    file.write_text(f"#!/bin/sh\n{says}\n")
    file.chmod(0o755)


def test_own_runtime_is_our_own_interpreter(path: Path) -> None:
    """Whatever PATH holds."""
    assert sys.executable == find_interpreter(own_runtime())


@pytest.mark.parametrize("says", ["exit 127", "echo python3.11"], ids=["a shim with nothing behind it", "another version"])
def test_program_that_is_not_what_it_is_called(path: Path, says: str) -> None:
    """It is asked before it is used."""
    program(path, says)

    with pytest.raises(NotInSandbox, match="put python3.99 on PATH"):
        find_interpreter("python3.99")


def test_missing_interpreter_names_the_remedy(path: Path) -> None:
    """In one sentence."""
    with pytest.raises(NotInSandbox, match=f"or use {own_runtime()}"):
        find_interpreter("python3.99")


def test_interpreter_on_path_is_used(path: Path) -> None:
    """One that says that it is the runtime."""
    program(path, "echo python3.99")

    assert str(path / "python3.99") == find_interpreter("python3.99")


@pytest.mark.parametrize(("machine", "expected"), [("x86_64", "x86_64"), ("aarch64", "arm64"), ("arm64", "arm64")])
def test_architecture_has_lambdas_name(monkeypatch: pytest.MonkeyPatch, machine: str, expected: str) -> None:
    """Linux and macOS call the same one differently."""
    monkeypatch.setattr("platform.machine", lambda: machine)

    assert expected == interpreters.own_architecture()


def test_libraries_are_boto3s_alone(tmp_path: Path) -> None:
    """Nothing else of our packages is offered; a second call finds what is there."""
    for _ in range(2):
        names = {path.name for path in library_folder(tmp_path).iterdir()}

    assert {"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3"} == names
