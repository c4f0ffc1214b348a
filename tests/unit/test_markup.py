"""Plans, outcomes and verifications as HTML."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import markup, redaction
from cruddur_ops.change import Action, Change, Outcome
from cruddur_ops.plan import Plan, Verified
from cruddur_ops.redaction import redact
from cruddur_ops.texttable import cell
from tests.unit.test_plan import CREATE, DELETE, PLAN

HARMLESS = {"div", "style", "table", "caption", "thead", "tbody", "tr", "th", "td", "ul", "li", "strong", "span", "br", "code"}
TEXTS = st.text() | st.sampled_from(
    ["</td><script>", '" onload="x', "&lt;", "<!--", "password=", "postgres://u:", "x@y", "it's", "`x`"]
)
CHANGES = st.builds(Change, st.sampled_from(Action), TEXTS, TEXTS, st.none() | TEXTS, st.none() | TEXTS, TEXTS)
PLANS = st.builds(Plan, TEXTS, st.lists(CHANGES, max_size=3).map(tuple), st.lists(TEXTS, max_size=2).map(tuple))


class Page(HTMLParser):
    """The tags and the names of the attributes of a document, and the text of each cell, item and caption."""

    def __init__(self, html: str) -> None:
        """Read it."""
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.rows: list[list[str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Something of which the text that follows is part."""
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag in ("tr", "li", "caption", "style"):
            self.rows.append([])
        if tag in ("th", "td", "li", "caption", "style"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        """Text, with spaces as a browser shows them."""
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] = " ".join((self.rows[-1][-1] + data).split())


def page(plan: Plan) -> Page:
    """The plan as a notebook shows it."""
    return Page(plan._repr_mimebundle_()["text/html"])


def test_a_plan_as_a_table() -> None:
    """A row for each change with its symbol and a word, before and after beside each other; the facts are below it."""
    expected = [
        ["everything on test: 1 to create, 1 to change, 1 to delete, 1 unchanged"],
        ["action", "resource", "setting", "before", "after", "note"],
        ["+ create", "group a", "", "", "", "free"],
        ["~ change", "instance b", "class", "micro", "small", ""],
        ["~ change", "instance b", "retention", "7", "14", ""],
        ["- delete", "rule c", "", "10.0.0.1/32", "", ""],
        ["= unchanged", "database d", "", "", "", ""],
        ["cost: none"],
    ]
    assert expected == page(PLAN).rows[1:]


def test_a_column_without_a_word_is_left_out() -> None:
    """Before and after stand together."""
    assert ["action", "resource", "note"] == page(Plan("x", (CREATE,))).rows[2]
    assert ["action", "resource", "before", "after"] == page(Plan("x", (DELETE,))).rows[2]


def test_what_is_deleted_and_created_is_replaced() -> None:
    """The symbols stay, so that the order shows."""
    rows = page(Plan("x", tuple(Change(action, "table a") for action in (Action.DELETE, Action.CREATE)))).rows
    assert [["- replace", "table a"], ["+ replace", "table a"]] == rows[3:]


def test_what_interrupts_or_costs_stands_out() -> None:
    """In bold, part by part of the note."""
    note = "at once; restarts the server: interrupts connections for some minutes"
    html = Plan("x", (Change(Action.MODIFY, "a", note=note),))._repr_mimebundle_()["text/html"]
    assert "<td> at once <br><strong> restarts the server: interrupts connections for some minutes </strong></td>" in html


@given(PLANS)
def test_no_value_breaks_out_of_its_cell(plan: Plan) -> None:
    """Whatever it holds, also after the kernel has redacted the whole: no tag, attribute or cell more, and its text as it is."""
    html = plan._repr_mimebundle_()["text/html"]
    found, redacted = Page(html), Page(redact(html))
    assert HARMLESS >= set(found.tags)
    assert {"class", "scope", "role", "tabindex", "aria-label", "aria-hidden"} >= found.attributes
    assert (found.tags, found.attributes) == (redacted.tags, redacted.attributes)
    named = [" ".join(cell(redact(change.resource)).split()) if change.resource else "" for change in plan.changes]
    at = found.rows[2].index("resource") if any(named) else 0
    assert named == [row[at] if at else "" for row in found.rows[3 : 3 + len(named)]]


def test_a_password_is_masked_beside_its_setting() -> None:
    """As in the text of the plan; and a URL's, wherever it stands."""
    changes = (Change(Action.MODIFY, "x", "password", "first-1", "second-2"), Change(Action.CREATE, "postgres://u:third-3@h/d"))
    html = Plan("x", changes, ("secret_string = fourth-4",))._repr_mimebundle_()["text/html"]
    assert not [secret for secret in ("first-1", "second-2", "third-3", "fourth-4") if secret in html]


def test_a_known_secret_is_masked_in_whatever_it_is_part_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is escaped and divided: also one with characters of HTML, or with what parts a note."""
    monkeypatch.setattr(redaction, "_known", {})
    redaction.remember(secret := "one<&two; three")
    told = f"is {secret}."
    plan = Plan(told, (Change(Action.CREATE, told, told, told, told, told),), (told,))
    html = plan._repr_mimebundle_()["text/html"] + Verified(told)._repr_mimebundle_()["text/html"]
    assert 9 == html.count("is ***.")
    assert not [part for part in ("one", "two", "three") if part in html]


def test_what_was_verified_has_a_mark() -> None:
    """One for each line, in the text too; a terminal, which might not have the character, shows the words."""
    found = Verified("verified: a is as wanted\nverified: b is gone")
    shown = found._repr_mimebundle_()
    assert "✓ verified: a is as wanted\n✓ verified: b is gone" == shown["text/plain"]
    assert 2 == shown["text/html"].count("✓")
    assert "verified: a is as wanted\nverified: b is gone" == str(found)


def test_an_outcome_stresses_what_was_done() -> None:
    """The counts that are not 0."""
    html = Outcome(1, 0, 2, 0)._repr_mimebundle_()["text/html"]
    assert "<strong>1 created</strong>, 0 changed, <strong>2 deleted</strong>, 0 unchanged</div>" in html


def test_a_command_is_shown_as_code() -> None:
    """As what stands between backquotes is in prose."""
    text = markup.plan("title", [], ["see `cruddur-ops rds status`"])
    assert "<li> see  <code> cruddur-ops rds status </code></li>" in text


def test_nothing_to_do_is_no_table() -> None:
    """A heading and its facts are enough."""
    assert "<table>" not in markup.plan("users: 0 to create", [], ["0 confirmed users have their rows"])
