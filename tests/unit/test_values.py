"""The values that a run gives to parameters: where they come from, which comes first, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cruddur_ops.errors import WrongInput
from cruddur_ops.runbook import parameters
from cruddur_ops.runbook.parameters import COMMAND_LINE, Given, Parameter

ROWS = {"rows": Parameter("rows", "int", 3), "name": Parameter("name", "str", "x")}


def write(folder: Path, name: str, text: str) -> Path:
    """A file of parameters."""
    path = folder / name
    path.write_text(text)
    return path


def test_option_file_environment_and_default_in_this_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its source."""
    file = write(tmp_path, "p.yaml", "rows: 5\nname: file\n")
    sources = [{"rows": "6"}, file, "4"]
    expected = [Given("6", COMMAND_LINE), Given(5, str(file)), Given("4", "environment CRUDDUR_ROWS")]
    for number, given in enumerate(expected):
        options: Any = sources[0] if number == 0 else {}
        monkeypatch.setenv("CRUDDUR_ROWS", "4")
        found = parameters.gather(options, file if number < 2 else None, ROWS)
        assert given == found["rows"]
    monkeypatch.delenv("CRUDDUR_ROWS")
    described = parameters.described(parameters.gather({}, None, ROWS), ROWS)
    assert {"value": 3, "source": "default"} == described["rows"]


def test_an_empty_variable_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """As elsewhere in the environment."""
    monkeypatch.setenv("CRUDDUR_ROWS", "")
    assert {} == parameters.gather({}, None, ROWS)


@pytest.mark.parametrize(("name", "text"), [("p.yaml", "rows: 7\nname: a b\n"), ("p.toml", 'rows = 7\nname = "a b"\n')])
def test_a_file_is_yaml_or_toml(tmp_path: Path, name: str, text: str) -> None:
    """By its suffix; its values have types already."""
    given = parameters.gather({}, write(tmp_path, name, text), ROWS)
    assert {"rows": 7, "name": "a b"} == parameters.typed_values(given, ROWS)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.yaml", "rows: [1"),
        ("p.yaml", "- rows"),
        ("p.yaml", ""),
        ("p.yaml", "rows: {a: 1}"),
        ("p.yaml", "rows: 2026-01-02"),
        ("p.toml", "rows 7"),
        ("p.toml", "[rows]\na = 1"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, name: str, text: str) -> None:
    """The sentence names the file."""
    with pytest.raises(WrongInput, match=r"p\.\w+ (cannot be read|must hold)[^\n]*correct it$"):
        parameters.gather({}, write(tmp_path, name, text), ROWS)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """Before anything runs."""
    with pytest.raises(WrongInput, match="none.yaml cannot be read"):
        parameters.gather({}, tmp_path / "none.yaml", ROWS)


def test_an_unknown_name_in_a_file_is_told_the_nearest(tmp_path: Path) -> None:
    """As on the command line."""
    with pytest.raises(WrongInput, match='did you mean "rows"'):
        parameters.gather({}, write(tmp_path, "p.yaml", "row: 1"), ROWS)


def test_a_value_of_another_type_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it comes from."""
    monkeypatch.setenv("CRUDDUR_ROWS", "many")
    with pytest.raises(WrongInput, match='rows must be a whole number, not "many"'):
        parameters.typed_values(parameters.gather({}, None, ROWS), ROWS)
    monkeypatch.delenv("CRUDDUR_ROWS")
    with pytest.raises(WrongInput, match="name must be text"):
        parameters.typed_values(parameters.gather({}, write(tmp_path, "p.yaml", "name: 1"), ROWS), ROWS)


def test_a_password_is_no_parameter() -> None:
    """papermill would write it into the executed notebook; the message does not repeat it."""
    with pytest.raises(WrongInput, match="CONNECTION_URL") as refused:
        parameters.gather({"name": "postgresql://me:hush@localhost/db"}, None, ROWS)
    assert "hush" not in str(refused.value)


def test_a_url_without_password_is_a_parameter() -> None:
    """Only the password is refused."""
    assert ["name", "rows"] == sorted(parameters.gather({"name": "postgresql://me@localhost/db", "rows": "a:b@c"}, None, ROWS))


def test_values_go_only_where_they_are_declared() -> None:
    """A notebook gets those parameters that it has."""
    given = {"rows": Given("7", COMMAND_LINE), "owner": Given("me", COMMAND_LINE)}
    assert {"rows": 7} == parameters.typed_values(given, ROWS)
