"""Password files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops.database.clients import keep_password, password_lines
from cruddur_ops.database.location import Location
from cruddur_ops.errors import WrongInput
from cruddur_ops.state import state_folder

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state folder of the test's own."""
    monkeypatch.setenv("CRUDDUR_STATE_DIR", str(tmp_path))


def at(host: str = "h", port: str = "5432", user: str = "u", password: str = "p") -> Location:
    """A location."""
    return Location(host, port, "cruddur", user, password)


def fields(line: str) -> list[str]:
    """The fields of a line, read as libpq does: a backslash takes the next character as it is."""
    found, characters = [""], iter(line)
    for character in characters:
        if character == ":":
            found.append("")
        else:
            found[-1] += next(characters) if character == "\\" else character
    return found


@given(user=words, password=words)
def test_any_user_and_password_survive(user: str, password: str) -> None:
    """Colons and backslashes are those of the password, whatever stands around them."""
    assert ["h", "5432", "*", user, password] == fields(password_lines(at(user=user, password=password)).rstrip("\n"))


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (at("::1"), r"\:\:1:5432:*:u:p"),
        (at("/run/postgresql", ""), "*:*:*:u:p"),
        (at("a,b", "1,2"), "a:1:*:u:p b:2:*:u:p"),
        (at("a,b", "1"), "a:1:*:u:p b:1:*:u:p"),
        (at(user=""), "h:5432:*:*:p"),
    ],
)
def test_places(location: Location, expected: str) -> None:
    """IPv6, a Unix socket, several hosts, and what libpq knows itself."""
    assert expected.split() == password_lines(location).split()


@pytest.mark.parametrize("password", ["a\nb", "a\rb"])
def test_a_line_break_fits_into_no_password_file(password: str) -> None:
    """It is refused, and not shown."""
    with pytest.raises(WrongInput, match="give the role another password") as caught:
        password_lines(at(password=password))
    assert password not in str(caught.value)


def test_a_kept_file_is_this_users_alone() -> None:
    """One for each target and role, renewed in place, in the state folder whatever the role is called."""
    paths = [keep_password(at(user="../o:d", password=password), "prod") for password in ("old", "new")]
    other = keep_password(at(user="other"), "prod")

    assert paths[0] == paths[1] != other
    assert paths[1] is not None
    assert (state_folder(), 0o600) == (paths[1].parent, paths[1].stat().st_mode & 0o777)
    assert "new" == fields(paths[1].read_text().rstrip("\n"))[-1]


def test_no_password_no_file() -> None:
    """libpq then looks where it always does."""
    assert keep_password(at(password=""), "local") is None
