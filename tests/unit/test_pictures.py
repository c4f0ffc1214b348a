"""Pictures: what they say to whoever does not see them, and where their parts stand."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import aws, pictures, rds
from cruddur_ops.database import jams
from cruddur_ops.database.sessions import Session, Sessions
from cruddur_ops.pictures import Picture
from cruddur_ops.rds import instances
from cruddur_ops.rds.instances import Instance
from cruddur_ops.runbook.evidence import page
from cruddur_ops.target import Target

TARGET = Target("test", account_id="123456789012", db_instance_identifier="x")


def waits(pid: int, *holders: int) -> Session:
    """A session of this pid that waits for those."""
    return Session(pid, "cruddur_app", application=f"app-{pid}", state="active", blocked_by=holders)


def test_a_picture_has_its_text_in_a_page(tmp_path: Path) -> None:
    """As `alt` of the evidence, and as the output that nbval compares; an image, in fact."""
    figure, _ = pictures.panels(0.5)
    data, about = Picture("two wait for one", figure)._repr_mimebundle_()
    assert b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert "two wait for one" == data["text/plain"]
    cell = nbformat.v4.new_code_cell("picture", outputs=[nbformat.v4.new_output("display_data", data, metadata=about)])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "x.ipynb")
    assert 'alt="two wait for one"' in page.body(tmp_path / "x.ipynb")


def test_a_jam_begins_on_the_left() -> None:
    """Who waits stands to the right of all that it waits for; whoever has nothing to do with it is left out."""
    found = {one.pid: one for one in (waits(1), waits(2, 1), waits(3, 1, 2), waits(4), waits(5, 3))}
    assert [[1], [2], [3], [5]] == jams.placed(found)
    said = "app-2 (, ) waits for app-1 (active, ); app-3 (, ) waits for app-1 (active, ); app-3 (, ) waits for app-2 (active, )"
    picture = Sessions((found[1], found[2], found[3])).picture()
    assert (said, True) == (picture.text, "image/png" in picture._repr_mimebundle_()[0])
    assert ({"text/plain": "nobody waits for another's lock"}, {}) == Sessions((found[4],)).picture()._repr_mimebundle_()


@given(st.dictionaries(st.integers(1, 9), st.lists(st.integers(1, 12), max_size=3)))
def test_every_jam_is_placed(holders: dict[int, list[int]]) -> None:
    """Also one that bites its own tail: each session once, and nobody twice."""
    placed = [pid for column in jams.placed({pid: waits(pid, *those) for pid, those in holders.items()}) for pid in column]
    waiting = {pid for pid, those in holders.items() if holders.keys() & those}
    held = {each for those in holders.values() for each in those} & holders.keys()
    assert sorted(waiting | held) == sorted(placed)


def test_history_says_whether_a_limit_was_crossed(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what CloudWatch has measured; where it has nothing, so it says, and nothing is drawn."""
    found = Instance("x", "available", db_instance_class="db.m8g.large", allocated_storage=20)
    monkeypatch.setattr(instances, "require", lambda _: found)
    nothing = rds.history(TARGET, 100)
    assert "the last 24 hours: no values of free storage; no values of connections" == nothing.text
    assert nothing.figure is None
    at = datetime.now(UTC) - timedelta(minutes=10)
    for metric, value in (("FreeStorageSpace", 10.0 * 2**30), ("DatabaseConnections", 81.0)):
        dimensions = [{"Name": "DBInstanceIdentifier", "Value": "x"}]
        datum: Any = {"MetricName": metric, "Dimensions": dimensions, "Timestamp": at, "Value": value}
        aws.client(TARGET, "cloudwatch").put_metric_data(Namespace="AWS/RDS", MetricData=[datum])
    shown = rds.history(TARGET, 100)
    assert "the last 24 hours: free storage never below 3 GiB; connections at times above 80" == shown.text
    assert shown.figure
    assert 2 == len(shown.figure.axes)


def test_behind_a_connection_url_nothing_was_measured() -> None:
    """AWS is not asked."""
    assert "no DB instance" in rds.history(replace(TARGET, connection_url="postgresql://server/x"), 100).text
