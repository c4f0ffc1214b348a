"""Which rows a user pool needs: decided from values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops.change import Action
from cruddur_ops.cognito.reconciliation import INSERT, UPDATE, Member, Reconciliation, Row


def member(sub: str, handle: str = "", email: str = "", status: str = "CONFIRMED", *, verified: bool = True) -> Member:
    """A user of the pool, whose email follows from the handle."""
    handle = handle or sub
    attributes = {"sub": sub, "preferred_username": handle, "email": email or f"{handle}@example.com", "name": handle.title()}
    return Member({**attributes, "email_verified": str(verified).lower()}, status)


def seeded(handle: str, email: str = "") -> Row:
    """A row of a user who never signed up."""
    return Row(handle, email or f"{handle}@seed.example.com")


def row(sub: str, handle: str = "", email: str = "") -> Row:
    """The row of a user of the pool."""
    handle = handle or sub
    return Row(handle, email or f"{handle}@example.com", sub, handle.title())


def done(found: Reconciliation) -> list[tuple[Action, str, str]]:
    """What is to be done to whom, with which statement."""
    return [(repair.change.action, repair.change.resource, repair.query) for repair in found.repairs]


def test_confirmed_users_without_a_row_get_one() -> None:
    """In the order of their handles."""
    found = Reconciliation([member("londo"), member("delenn")], [])
    assert [(Action.CREATE, "user @delenn", INSERT), (Action.CREATE, "user @londo", INSERT)] == done(found)
    values = {"cognito_user_id": "delenn", "handle": "delenn", "display_name": "Delenn", "email": "delenn@example.com"}
    assert {**values, "email_verified": True, "former": None} == found.repairs[0].parameters


@pytest.mark.parametrize("status", ["UNCONFIRMED", "FORCE_CHANGE_PASSWORD", "UNKNOWN"])
def test_users_who_were_never_confirmed_get_none(status: str) -> None:
    """Their sign-up may yet come to nothing."""
    found = Reconciliation([member("londo", status=status)], [])
    assert ([], [], 0) == (found.repairs, found.reports, found.settled)


@pytest.mark.parametrize("handle", ["londo", "Mollari"])
def test_seeded_users_get_their_cognito_id_by_a_verified_email(handle: str) -> None:
    """In whichever case it is written; the row gets the handle of the pool."""
    found = Reconciliation([member("1", handle, "Londo@example.com")], [seeded("londo", "LONDO@example.com")])
    assert [(Action.MODIFY, f"user @{handle}", UPDATE)] == done(found)
    assert "LONDO@example.com" == found.repairs[0].parameters["email"]  # by which the statement finds the row


@pytest.mark.parametrize("handle", ["londo", "Londo"])
def test_a_stranger_gets_no_seeded_row_by_its_handle(handle: str) -> None:
    """Anybody can claim one."""
    found = Reconciliation([member("1", handle)], [seeded("londo")])
    assert [] == found.repairs
    assert found.reports[0].startswith(f"@{handle} (Cognito id 1) has no row, since the handle is somebody else's: ")


@pytest.mark.parametrize("former", [None, "gone"])
def test_an_email_that_is_not_verified_gives_no_row(former: str | None) -> None:
    """Anybody can claim one, too."""
    found = Reconciliation([member("1", "vir", "londo@example.com", verified=False)], [Row("londo", "londo@example.com", former)])
    assert [] == found.repairs
    assert "since its email, which is that of @londo, is not verified" in found.reports[0]


CHANGED = {
    "a name": ({"name": "Londo I"}, "display name", ("londo", "Londo I", "londo@example.com")),
    "a handle": ({"preferred_username": "emperor"}, "handle", ("emperor", "Londo", "londo@example.com")),
    "an email": ({"email": "L@Example.com"}, "email", ("londo", "Londo", "l@example.com")),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_changed_in_the_pool_is_carried_over(name: str) -> None:
    """And once only."""
    attributes, setting, expected = CHANGED[name]
    changed = Member({**member("1", "londo").attributes, **attributes}, "CONFIRMED")
    found = Reconciliation([changed], [row("1", "londo")])
    [repair] = found.repairs
    assert (Action.MODIFY, setting, UPDATE) == (repair.change.action, repair.change.setting, repair.query)
    values = repair.parameters
    assert expected == (values["handle"], values["display_name"], values["email"])
    after = Row(values["handle"], values["email"], "1", values["display_name"])
    assert ([], 1) == ((again := Reconciliation([changed], [after])).repairs, again.settled)


def test_an_email_that_is_not_verified_is_not_carried_over() -> None:
    """Nor does a new name wait for it."""
    found = Reconciliation([member("1", "londo", "delenn@example.com", verified=False)], [row("1", "londo"), row("2", "delenn")])
    assert ([], 1) == (found.repairs, found.settled)


def test_handles_that_are_given_up_are_taken_at_once() -> None:
    """In the order in which that is possible; two who would change places stay as they are."""
    rows = [row("1", "a"), row("2", "b", "b@example.com")]
    chain = Reconciliation(
        [member("1", "b", "a@example.com"), member("2", "c", "b@example.com"), member("3", "a", "new@x")], rows
    )
    assert ["user @c", "user @b", "user @a"] == [resource for _, resource, _ in done(chain)]
    swapped = Reconciliation([member("1", "b", "a@example.com"), member("2", "a", "b@example.com")], rows)
    assert [] == swapped.repairs
    assert ["has another row, since the handle is somebody else's" in line for line in swapped.reports] == [True, True]


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
        lambda sub, handle, email, status, verified: member(sub, handle, f"{email}@example.com", status, verified=verified),
        st.uuids().map(str),
        PEOPLE,
        PEOPLE,
        st.sampled_from(["CONFIRMED", "UNCONFIRMED"]),
        st.booleans(),
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
    about_members = [line for line in found.reports if "Cognito id" in line]
    assert len(confirmed) == found.settled + len(found.repairs) + len(about_members)
    shown = [*found.reports, *(str(repair.change) for repair in found.repairs), repr(found.repairs), repr(members), repr(table)]
    assert [] == [line for line in shown if "@example.com" in line]
