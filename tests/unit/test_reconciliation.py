"""Which rows a user pool needs: decided from values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops.change import Action
from cruddur_ops.cognito.reconciliation import INSERT, LINK, UPDATE, Member, Reconciliation, Row


def member(sub: str, handle: str = "", email: str = "", status: str = "CONFIRMED") -> Member:
    """A user of the pool, whose email follows from the handle."""
    handle = handle or sub
    attributes = {"sub": sub, "preferred_username": handle, "email": email or f"{handle}@example.com", "name": handle.title()}
    return Member(attributes, status)


def seeded(handle: str, email: str = "") -> Row:
    """A row of a user who never signed up."""
    return Row(handle, email or f"{handle}@seed.example.com")


def row(sub: str, handle: str = "", email: str = "") -> Row:
    """The row of a user of the pool."""
    handle = handle or sub
    return Row(handle, email or f"{handle}@example.com", sub)


def done(found: Reconciliation) -> list[tuple[Action, str, str]]:
    """What is to be done to whom, with which statement."""
    return [(repair.change.action, repair.change.resource, repair.query) for repair in found.repairs]


def test_confirmed_users_without_a_row_get_one() -> None:
    """In the order of their handles."""
    found = Reconciliation([member("londo"), member("delenn")], [])
    assert [(Action.CREATE, "user @delenn", INSERT), (Action.CREATE, "user @londo", INSERT)] == done(found)
    assert {"cognito_user_id": "delenn", "handle": "delenn", "display_name": "Delenn", "email": "delenn@example.com"} == (
        found.repairs[0].parameters
    )


@pytest.mark.parametrize("status", ["UNCONFIRMED", "FORCE_CHANGE_PASSWORD", "UNKNOWN"])
def test_users_who_were_never_confirmed_get_none(status: str) -> None:
    """Their sign-up may yet come to nothing."""
    found = Reconciliation([member("londo", status=status)], [])
    assert ([], [], 0) == (found.repairs, found.reports, found.settled)


@pytest.mark.parametrize("handle", ["londo", "Londo"])
def test_seeded_users_get_their_cognito_id_by_handle(handle: str) -> None:
    """The rest of the row stays as it is."""
    found = Reconciliation([member("1", handle)], [seeded("londo")])
    assert [(Action.MODIFY, f"user @{handle}", LINK)] == done(found)


def test_a_user_who_comes_again_gets_the_old_row_by_email() -> None:
    """As the function does it; the new handle is taken over."""
    found = Reconciliation([member("2", "mollari", "londo@example.com")], [row("1", "londo")])
    assert [(Action.MODIFY, "user @mollari", UPDATE)] == done(found)
    assert "of a user who is gone" == found.repairs[0].change.before
    assert [] == found.reports


def test_the_email_of_another_user_is_reported() -> None:
    """Nobody takes over the row of somebody who is there."""
    found = Reconciliation([member("1", "londo"), member("2", "vir", "LONDO@example.com")], [row("1", "londo")])
    assert [] == found.repairs
    [report] = found.reports
    assert report.startswith("@vir (Cognito id 2) has no row, since its email is that of @londo, another user: ")


def test_a_taken_handle_is_reported() -> None:
    """With what to do about it."""
    found = Reconciliation([member("1", "londo"), member("2", "Londo", "other@example.com")], [row("1", "londo")])
    assert [] == found.repairs
    [report] = found.reports
    assert "the handle is somebody else's: change it with `aws cognito-idp admin-update-user-attributes`" in report


def test_of_two_users_who_want_one_handle_one_gets_it() -> None:
    """The other is reported: the plan can be carried out as it is."""
    found = Reconciliation([member("2", "londo", "b@example.com"), member("1", "londo", "a@example.com")], [])
    assert ["1"] == [repair.parameters["cognito_user_id"] for repair in found.repairs]
    assert 1 == len(found.reports)


def test_missing_attributes_are_reported_by_name() -> None:
    """Of a user without a handle the Cognito id is all that can be shown."""
    nameless = Member({"sub": "1", "email": "a@example.com", "name": " "}, "CONFIRMED")
    [report] = Reconciliation([nameless], []).reports
    assert report.startswith("Cognito id 1 has no row, for want of name, preferred_username: ")


def test_rows_whose_user_is_gone_are_reported() -> None:
    """Seeded rows never had one; a user who is not confirmed is there."""
    rows = [row("1", "londo"), seeded("vir"), row("2", "delenn")]
    found = Reconciliation([member("2", "delenn", status="UNCONFIRMED")], rows)
    assert ["@londo: the user is gone from the pool, and the row is left"] == found.reports


PEOPLE = st.sampled_from(["ann", "bob", "Cid"])
MEMBERS = st.lists(
    st.builds(
        lambda sub, handle, email, status: member(sub, handle, f"{email}@example.com", status),
        st.uuids().map(str),
        PEOPLE,
        PEOPLE,
        st.sampled_from(["CONFIRMED", "UNCONFIRMED"]),
    ),
    max_size=6,
)
ROWS = st.lists(
    st.tuples(PEOPLE, PEOPLE, st.one_of(st.none(), st.uuids().map(str))),
    max_size=3,
    unique_by=(lambda row: row[0].lower(), lambda row: row[1].lower(), lambda row: row[2] or object()),
)


@given(MEMBERS, ROWS)
def test_every_confirmed_user_is_settled_repaired_or_reported(
    members: list[Member], rows: list[tuple[str, str, str | None]]
) -> None:
    """And no line shows an email."""
    table = [Row(handle, f"{email}@example.com", sub) for handle, email, sub in rows]
    found = Reconciliation(members, table)
    confirmed = [one for one in members if one.status == "CONFIRMED"]
    about_members = [line for line in found.reports if "has no row" in line]
    assert len(confirmed) == found.settled + len(found.repairs) + len(about_members)
    shown = [*found.reports, *(str(repair.change) for repair in found.repairs), repr(found.repairs), repr(members), repr(table)]
    assert [] == [line for line in shown if "@example.com" in line]
