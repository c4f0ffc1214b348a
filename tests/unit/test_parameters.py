"""What a notebook's parameters cell declares, which values it accepts, where they come from, and which comes first."""

from __future__ import annotations

import keyword
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops.errors import WrongInput
from cruddur_ops.runbook import notebooks, parameters
from cruddur_ops.runbook.parameters import COMMAND_LINE, Given, Parameter

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,20}", fullmatch=True).filter(lambda name: not keyword.iskeyword(name))
ROWS = {"rows": Parameter("rows", "int", 3), "name": Parameter("name", "str", "x")}
DEFAULTS = st.one_of(st.text(), st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))


def test_a_line_declares_name_type_default_and_help() -> None:
    """`name: type = default  # help` is a parameter."""
    expected = {"rows": Parameter("rows", "int", 3, "how many rows")}
    assert expected == parameters.declared("rows: int = 3  # how many rows")


def test_without_annotation_the_default_gives_the_type() -> None:
    """`name = default` is a parameter of the default's type."""
    assert parameters.declared("rate = 0.5") == {"rate": Parameter("rate", "float", 0.5)}


@given(name=NAMES, default=DEFAULTS, text=st.text(st.characters(codec="ascii", exclude_categories=["C"])))
def test_any_default_and_any_comment_are_read_back(name: str, default: Any, text: str) -> None:
    """Signs that have a meaning elsewhere, such as "=" and "#", may stand in defaults and comments."""
    kind = type(default).__name__
    found = parameters.declared(f"{name}: {kind} = {default!r}  # {text}")
    assert (name, kind, default) == (found[name].name, found[name].type, found[name].default)


@pytest.mark.parametrize(
    "line", ["import os", "names: list[str] = []", "today: str = f()", "a, b = 1, 2", "x: int", "x.y = 1", "# nothing"]
)
def test_other_lines_declare_nothing(line: str) -> None:
    """What the command line could not set is no parameter."""
    assert parameters.declared(line) == {}


def test_a_cell_of_several_lines_keeps_its_order() -> None:
    """The parameters come in the order of the cell, each with its own comment."""
    found = parameters.declared('a: str = "x"  # first\n# alone\nb: bool = True\nc: int = -1  # third')
    assert [("a", "first"), ("b", ""), ("c", "third")] == [(one.name, one.help) for one in found.values()]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("str", "5", "5"),
        ("str", "", ""),
        ("int", "-5", -5),
        ("float", "5", 5.0),
        ("float", "-1e3", -1000.0),
        ("bool", "True", True),
        ("bool", "false", False),
    ],
)
def test_text_becomes_a_value_of_the_declared_type(kind: str, text: str, value: object) -> None:
    """The command line gives text; the notebook gets its type."""
    found = Parameter("name", kind, None).convert(text)
    assert (type(value), value) == (type(found), found)


@pytest.mark.parametrize(
    ("kind", "text"), [("int", "five"), ("int", "5.0"), ("int", ""), ("float", "x"), ("bool", "yes"), ("bool", "1")]
)
def test_text_of_another_type_is_refused(kind: str, text: str) -> None:
    """The message names the parameter and the value."""
    with pytest.raises(WrongInput, match=f'name must be .*"{text}"'):
        Parameter("name", kind, None).convert(text)


def test_an_unknown_name_is_told_the_nearest() -> None:
    """A mistyped name would otherwise be passed over in silence; where none is near, all are listed."""
    with pytest.raises(WrongInput, match='"rosw": did you mean "rows"'):
        parameters.gather({"rosw": "1"}, None, ["rows", "owner"])
    with pytest.raises(WrongInput, match="there are owner, rows"):
        parameters.gather({"xyz": "1"}, None, ["rows", "owner"])


def test_choices_come_from_the_comment() -> None:
    """What is none of them is refused, with the nearest; what is one passes."""
    parameter = parameters.declared('ttl: str = "1-day"  # how long: one of 1-day, 12-hours or 1-hour')["ttl"]
    assert ("1-day", "12-hours", "1-hour") == parameter.choices
    assert "1-hour" == parameter.convert("1-hour")
    with pytest.raises(WrongInput, match='ttl cannot be "2-hours": did you mean "12-hours"'):
        parameter.convert("2-hours")
    with pytest.raises(WrongInput, match='ttl cannot be "x": use one of 1-day, 12-hours, 1-hour'):
        parameter.convert("x")


def test_choices_have_the_declared_type() -> None:
    """And the default may be something else, such as nothing."""
    parameter = parameters.declared("days: int = 0  # one of 7, 31")["days"]
    assert (7, 31) == parameter.choices
    assert [0, 31] == [parameter.convert("0"), parameter.convert("31")]
    with pytest.raises(WrongInput, match='must be a whole number, not "seven"'):
        parameters.declared("days: int = 0  # one of seven, 31")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('name: str = "x"  # who', 'text; who; default "x"'),
        ("rows: int = 3", 'whole number; default "3"'),
        ('ttl: str = "a"  # one of a, b', 'a | b; one of a, b; default "a"'),
    ],
)
def test_a_parameter_tells_what_may_be_given(line: str, expected: str) -> None:
    """In the words of the command line's help."""
    (parameter,) = parameters.declared(line).values()
    assert expected == str(parameter)


@pytest.mark.parametrize("path", sorted(notebooks.NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_papermill_sees_the_same_parameters(path: Path) -> None:
    """`papermill --help-notebook` and the runner agree on names, types and help of every notebook."""
    import papermill

    seen = papermill.inspect_notebook(path)
    ours = notebooks.read(path).parameters
    expected = [(name, one["inferred_type_name"], one["help"]) for name, one in seen.items()]
    assert expected == [(one.name, one.type, one.help) for one in ours.values()]


def write(folder: Path, name: str, text: str) -> Path:
    """A file of parameters."""
    path = folder / name
    path.write_text(text)
    return path


def test_option_file_environment_and_default_in_this_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its source."""
    file = write(tmp_path, "p.yaml", "rows: 5\nname: file\n")
    monkeypatch.setenv("CRUDDUR_ROWS", "4")
    assert Given("6", COMMAND_LINE) == parameters.gather({"rows": "6"}, file, ROWS)["rows"]
    assert Given(5, str(file)) == parameters.gather({}, file, ROWS)["rows"]
    assert Given("4", "environment CRUDDUR_ROWS") == parameters.gather({}, None, ROWS)["rows"]
    monkeypatch.delenv("CRUDDUR_ROWS")
    assert {"value": 3, "source": "default"} == parameters.described(parameters.gather({}, None, ROWS), ROWS)["rows"]


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
