"""The folder of a run: what it says, that edits show, the page, and the history of runs."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cruddur_ops import figures, redaction
from cruddur_ops.change import OUTCOME_MIME
from cruddur_ops.errors import OpsError, WrongInput
from cruddur_ops.plan import PLAN_MIME
from cruddur_ops.runbook import Request, report, resume
from cruddur_ops.runbook.evidence import Record, history, ledger_file, manifest, result

CHANGE = {"action": "create", "resource": "database cruddur", "setting": "", "before": None, "after": None, "note": ""}
FACTS = {"plan_only": False, "order": ["01_first", "02_second"], "settings": {},
         "parameters": {"01: rows": {"value": 3, "source": "default"}}}  # fmt: skip
CALL = {"time": "2026-01-02T03:04:05.678+00:00", "call": "rds:StopDBInstance", "request_id": "request-1", "status": 200,
        "error": None, "retries": 1, "mutating": True}  # fmt: skip
WAIT = {"time": "2026-01-02T03:04:06.678+00:00", "wait": "mine", "statuses": [{"status": "creating", "seconds": 2.5}]}


def cell(source: str, number: int, *outputs: dict[str, Any], status: str = "completed") -> dict[str, Any]:
    """A code cell as papermill leaves it."""
    times = {"start_time": f"2026-01-02T03:04:0{number}.000000", "end_time": f"2026-01-02T03:04:0{number}.500000"}
    metadata = {"papermill": {**times, "status": status}, "tags": []}
    body = {"id": f"c{number}", "cell_type": "code", "execution_count": number, "source": source}
    return {**body, "metadata": metadata, "outputs": list(outputs)}


def shown(mime: str, data: Any, text: str = "text") -> dict[str, Any]:
    """A result of a cell."""
    return {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {"text/plain": text, mime: data}}


def execute(record: Record, name: str, *cells: dict[str, Any], verdict: str = "passed", error: str = "") -> None:
    """Leave an executed notebook in the folder, and add it to the record."""
    path = record.folder / f"{name}.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}))
    ledger_file(path).write_text(json.dumps(CALL) + "\n" + json.dumps(WAIT) + "\n")
    record.add(result(name, verdict, 1.5, error, path))


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """A run of two notebooks that has ended."""
    record = Record(tmp_path / "runs", "local", FACTS)
    outcome = {"created": 1, "changed": 0, "deleted": 0, "unchanged": 2}
    plan = shown(PLAN_MIME, {"title": "Database on local", "changes": [CHANGE, CHANGE | {"action": "unchanged"}]})
    execute(record, "01_first", cell("plan", 1, plan), cell("apply()", 2, shown(OUTCOME_MIME, outcome)))
    execute(record, "02_second", cell("print('<b>&')", 1, {"output_type": "stream", "name": "stdout", "text": "<b>&"}))
    record.write("passed")
    return record


def saved(record: Record) -> dict[str, Any]:
    """What run.json says."""
    return history.read(record.folder)


def test_a_step_tells_changes_counts_calls_and_times(record: Record) -> None:
    """All that its notebook showed, and its ledger held."""
    first = saved(record)["notebooks"][0]
    assert [{"plan": "Database on local", **CHANGE}] == first["changes"]
    assert {"created": 1, "changed": 0, "deleted": 0, "unchanged": 2} == first["outcome"]
    assert ([CALL], 1, [WAIT]) == (first["calls"], first["retries"], first["waits"])
    assert [("plan", 0.5), ("apply()", 0.5)] == [(one["line"], one["seconds"]) for one in first["cells"]]


def test_the_ledger_is_taken_over(record: Record) -> None:
    """Its file does not stay beside run.json."""
    expected = ["01_first.ipynb", "02_second.ipynb", "SHA256SUMS", "index.html", "run.json"]
    assert expected == sorted(path.name for path in record.folder.iterdir())


def test_an_untouched_folder_is_verified(record: Record) -> None:
    """Its seal is the one that the run printed, and sha256sum agrees."""
    assert record.seal == manifest.verify(record.folder)
    checked = subprocess.run(["sha256sum", "--check", "--quiet", manifest.NAME], cwd=record.folder, capture_output=True)
    assert (0, b"") == (checked.returncode, checked.stdout)


@pytest.mark.parametrize("name", ["01_first.ipynb", "index.html", "run.json"])
def test_an_edit_shows(record: Record, name: str) -> None:
    """Whichever file was changed or removed after the run is named."""
    path = record.folder / name
    path.write_text(path.read_text().replace("e", "E", 1))
    with pytest.raises(OpsError, match=f"^{re.escape(name)} was changed"):
        manifest.verify(record.folder)


def test_what_is_missing_shows(record: Record) -> None:
    """A file, or the manifest itself, which a run that was killed has not written."""
    (record.folder / "02_second.ipynb").unlink()
    with pytest.raises(OpsError, match=r"02_second\.ipynb was changed"):
        manifest.verify(record.folder)
    (record.folder / manifest.NAME).unlink()
    with pytest.raises(OpsError, match="never ended"):
        manifest.verify(record.folder)


def test_who_seals_anew_has_another_seal(record: Record) -> None:
    """So the seal that the run printed tells, whoever types its first digits."""
    (record.folder / "index.html").write_text("")
    manifest.seal(record.folder)
    assert record.seal != manifest.verify(record.folder)
    with pytest.raises(OpsError, match="SHA256SUMS was written anew, its seal is "):
        manifest.verify(record.folder, record.seal[:12])


def test_what_was_added_shows(record: Record) -> None:
    """A plan that nobody approved then, beside whatever else was changed."""
    (record.folder / "plan.json").write_text("{}")
    (record.folder / "02_second.ipynb").write_bytes((record.folder / "01_first.ipynb").read_bytes())
    with pytest.raises(OpsError, match=r"^02_second\.ipynb was changed; plan\.json was added after the run"):
        manifest.verify(record.folder)


def test_a_link_in_the_place_of_a_file_shows(record: Record, tmp_path: Path) -> None:
    """What it leads to may be as it was now, and otherwise tomorrow."""
    record.write("passed")
    elsewhere = (record.folder / "run.json").rename(tmp_path / "elsewhere")
    (record.folder / "run.json").symlink_to(elsewhere)
    with pytest.raises(OpsError, match=r"^run\.json was changed"):
        manifest.verify(record.folder)


def test_another_name_of_the_folder_shows(record: Record) -> None:
    """It holds the time and the target."""
    renamed = record.folder.rename(record.folder.with_name("20260101T000000Z-prod"))
    with pytest.raises(OpsError, match=f"the folder was renamed, it was {record.folder.name}"):
        manifest.verify(renamed)


def test_a_line_that_stands_twice_in_the_manifest_shows(record: Record) -> None:
    """Of two lines for a file, each reader would take another."""
    path = record.folder / manifest.NAME
    path.write_text(path.read_text() + path.read_text())
    with pytest.raises(OpsError, match=r"^SHA256SUMS was changed after"):
        manifest.verify(record.folder)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=3,
)
PLACES = st.sampled_from(["verdict", "target", "order", "host", "process", "started", "git", "versions", "parameters", "settings",
                          "notebooks", "notebooks/outcome", "notebooks/seconds", "notebooks/name", "notebooks/error",
                          "notebooks/outcome/created", "parameters/01: rows", "git/commit", "user", "plan_only", "caller",
                          "where"])  # fmt: skip
GONE = object()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=PLACES, value=JSON | st.just(GONE))
@example(place="order", value=GONE)
@example(place="where", value="x")
@example(place="started", value=GONE)
def test_whatever_stands_in_a_record_is_read_or_refused(record: Record, place: str, value: Any) -> None:
    """A file that somebody has edited makes no traceback, wherever it is read."""
    whole = inner = {**saved(record), "verdict": "failed"}  # which can be resumed
    *above, last = place.split("/")
    for part in above:
        inner = inner[part]
        inner = inner[0] if isinstance(inner, list) else inner
    inner[last] = value
    if value is GONE:
        del inner[last]
    folder = record.folder.with_name("edited")
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_text(json.dumps(whole))
    history.listing(folder.parent)
    for read in (lambda: history.compare(folder, folder), lambda: resume("edited", folder.parent, Request())):
        with contextlib.suppress(WrongInput):
            read()


UNREADABLE = ["", "[1]", '{"schema": 99}', '{"schema": 2, "schema": 2}', '{"schema": 2}', '{"schema": ' + "[" * 9999, "9" * 9999]


@pytest.mark.parametrize("content", UNREADABLE)
def test_a_record_of_another_kind_is_told(record: Record, content: str) -> None:
    """What cannot be read is no evidence."""
    (record.folder / "run.json").write_text(content)
    with pytest.raises(WrongInput, match=r"run\.json|of schema"):
        history.read(record.folder)


class Links(HTMLParser):
    """The addresses that a page would load, and its well-formedness as far as a parser cares."""

    def __init__(self) -> None:
        """None yet."""
        super().__init__()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a browser would fetch by itself."""
        wanted = {"img": "src", "script": "src", "link": "href", "iframe": "src"}.get(tag)
        self.loaded += [value or "" for name, value in attrs if name == wanted]


def page(record: Record) -> str:
    """index.html."""
    return (record.folder / "index.html").read_text()


def test_the_page_opens_offline(record: Record) -> None:
    """It loads nothing from elsewhere."""
    links = Links()
    links.feed(page(record))
    assert [] == [address for address in links.loaded if not address.startswith("data:")]


def test_the_page_shows_the_run(record: Record) -> None:
    """Table, timeline, changes, calls and each notebook, with what they printed as text."""
    text = page(record)
    for expected in (
        'href="#01_first"',
        'class="track"',
        "database cruddur",
        "rds:StopDBInstance",
        "request-1",
        "creating 2.5",
        "&lt;b&gt;&amp;",
    ):
        assert expected in text
    assert 2 == len(re.findall("<details><summary>0", text))


def test_a_notebook_ends_with_what_was_done_and_is_next(tmp_path: Path) -> None:
    """In a line: plans, changes, what was verified, seconds; and where to go on, unless it failed."""
    record = Record(tmp_path, "local", FACTS)
    applied = cell("apply()", 1, shown(OUTCOME_MIME, {"created": 2, "changed": 0, "deleted": 1, "unchanged": 3}))
    verified = cell("verify()", 2, shown("text/html", "x", "✓ verified: a is as wanted\n✓ verified: b is gone"))
    printed = cell("print()", 3, {"output_type": "stream", "name": "stdout", "text": "verified: it is\n"})
    last = {
        "cell_type": "markdown",
        "metadata": {},
        "id": "m",
        "source": "## Undo\n**10_teardown**\n## Next\n**02_second** is next.",
    }
    execute(record, "01_first", applied, verified, printed, last)
    execute(record, "03_third", applied, last, verdict="failed")
    record.write("failed")
    whole = "1 plan applied: 2 created, 1 deleted; 3 verified; next 02_second"
    assert [whole, "1 plan applied: 2 created, 1 deleted"] == [one["summary"] for one in saved(record)["notebooks"]]
    assert f"passed in 1.5 s; {whole}" in page(record)
    assert f"01_first  passed           1.5 s  {whole}" == report.line(record.results[0])


def test_a_failure_stands_at_the_top(tmp_path: Path) -> None:
    """The sentence with the remedy, before all tables."""
    record = Record(tmp_path, "local", FACTS)
    execute(record, "01_first", cell("apply()", 3, status="failed"), verdict="failed", error="OpsError: start it with <x>")
    record.write("failed")
    top = page(record).partition("<table>")[0]
    assert "01_first, In [3] apply()" in top
    assert "OpsError: start it with &lt;x&gt;" in top


def test_a_notebook_cut_off_in_the_middle_is_told(tmp_path: Path) -> None:
    """An interrupted run has its evidence too."""
    record = Record(tmp_path, "local", FACTS)
    path = record.folder / "01_first.ipynb"
    path.write_text('{"cells": [')
    record.add(result("01_first", "interrupted", 0.1, "", path))
    record.write("interrupted")
    assert "cut off" in page(record)
    manifest.verify(record.folder)


def test_a_secret_is_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that is known, nor one that looks like it; wherever it came from."""
    monkeypatch.setattr(redaction, "_known", {})
    redaction.remember("known-secret")
    record = Record(tmp_path, "local", {**FACTS, "note": "known-secret"})
    stream = {"output_type": "stream", "name": "stdout", "text": "known-secret postgresql://u:unknown-secret@h/d"}
    execute(record, "01_first", cell("x = 'known-secret'", 1, stream), verdict="failed", error="Error: known-secret")
    record.write("failed")
    for path in record.folder.iterdir():
        assert "known-secret" not in path.read_text()
        assert "unknown-secret" not in path.read_text()


def test_a_secret_that_came_to_be_known_later_is_masked_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The finished files are searched once more before they are sealed."""
    monkeypatch.setattr(redaction, "_known", {})
    record = Record(tmp_path, "local", FACTS)
    execute(record, "01_first", cell("x", 1, {"output_type": "stream", "name": "stdout", "text": 'it is late/"secret'}))
    page = record.folder / "01_first.html"
    page.write_text("<b>late/&quot;secret</b>")
    redaction.remember('late/"secret')
    record.write("passed")
    told = [line.split()[5] for line in capsys.readouterr().err.splitlines()]
    assert ["01_first.html,", "01_first.ipynb,", "index.html,"] == told
    assert "<b>***</b>" == page.read_text()
    assert not any(re.search("late.{1,6}secret", path.read_text()) for path in record.folder.iterdir())
    assert record.seal == manifest.verify(record.folder)


@pytest.mark.parametrize("obstacle", ["a file", "a dangling link"])
def test_a_place_that_cannot_keep_runs_is_told(tmp_path: Path, obstacle: str) -> None:
    """Whoever reads it knows where they may go instead."""
    runs = tmp_path / "runs"
    if obstacle == "a file":
        runs.touch()
    else:
        runs.symlink_to(tmp_path / "nowhere")
    with pytest.raises(WrongInput, match=r"runs cannot keep the runs \(.*\): name another folder in CRUDDUR_RUNS"):
        Record(runs, "local", FACTS)
    if obstacle == "a file":
        with pytest.raises(WrongInput, match="runs is no folder, so no run is in it: name a folder in CRUDDUR_RUNS"):
            history.listing(runs)


def test_a_run_whose_process_is_gone_is_listed_as_killed(record: Record) -> None:
    """Nobody waits for it."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    running = Record(record.folder.parent, "local", FACTS)
    assert " running " in history.listing(record.folder.parent)
    running.facts["process"] = ended.pid
    running.write("running")
    assert " killed " in history.listing(record.folder.parent)


def test_runs_are_found_by_name_path_and_last(record: Record) -> None:
    """A mistyped name is told the nearest."""
    runs = record.folder.parent
    assert record.folder == history.find("last", runs) == history.find(record.folder.name, runs)
    assert record.folder == history.find(str(record.folder), runs)
    with pytest.raises(WrongInput, match=f"did you mean {record.folder.name!r}?".replace("'", '"')):
        history.find(record.folder.name[:-1], runs)


@pytest.mark.parametrize(("sandbox", "expected"), [("False", {"users": 7}), ("True", {})])
def test_figures_are_kept(tmp_path: Path, sandbox: str, expected: dict[str, int]) -> None:
    """The times of a recovery are listed; the rows of production are found again, and no sandbox's are taken for them."""
    settings = {"sandbox": {"value": sandbox, "source": "targets.toml"}}
    record = Record(tmp_path / "runs", "prod", {**FACTS, "settings": settings})
    execute(record, "03_first", cell("counts", 1, shown(figures.MIME, {"rows": {"users": 7}})))
    execute(record, "08_second", cell("recovered", 1, shown(figures.MIME, {"recovery": {"recovery time": "42 s"}})))
    record.write("passed")
    assert history.listing(record.folder.parent).endswith("; recovery time 42 s)")
    assert expected == history.rows_in_production(record.folder.parent)


def test_a_run_that_recovered_shows_how_recoveries_develop(tmp_path: Path) -> None:
    """With those of earlier runs of the same target, as a picture and in words; one alone is no development."""
    for target, seconds in (("prod", 42), ("other", 7), ("prod", 40)):
        record = Record(tmp_path / "runs", target, FACTS)
        measured = {"recovery": {"recovery time": f"{seconds} s", "recovery point": "3 s"}}
        execute(record, "08_second", cell("recovered", 1, shown(figures.MIME, measured)))
        record.write("passed")
    page = (record.folder / "index.html").read_text()
    [said] = re.findall(r'<img alt="(prod: [^"]*)" src="data:image/png;base64,iVBOR', page)
    assert ["recovery time 42 s, recovery point 3 s", "recovery time 40 s, recovery point 3 s"] == re.findall(
        r"recovery time[^;]*", said
    )
    assert "<h2>Recoveries" not in (next(iter(history.folders(tmp_path / "runs"))) / "index.html").read_text()


def test_runs_are_listed(record: Record) -> None:
    """A line each; one that cannot be read says so."""
    (record.folder.parent / "0-damaged").mkdir()
    (record.folder.parent / "0-damaged" / "run.json").write_text("{")
    first, second = history.listing(record.folder.parent).splitlines()
    assert "cannot be read" in first
    assert f"{record.folder.name} " in second
    assert "1 created, 0 changed, 0 deleted, 2 unchanged  (01, 02;" in second


def test_no_runs_are_told(tmp_path: Path) -> None:
    """An empty list is a sentence."""
    assert f"no run has left a folder in {tmp_path} yet" == history.listing(tmp_path)


def test_two_runs_are_compared(record: Record) -> None:
    """Only what differs is told."""
    other = Record(record.folder.parent, "local", FACTS)
    execute(other, "01_first", cell("plan", 1), verdict="failed")
    other.write("failed")
    lines = history.compare(record.folder, other.folder).splitlines()
    assert f"{record.folder.name} -> {other.folder.name}" == lines[0]
    assert "passed -> failed" in lines[1]
    assert not any("versions" in line or "01: rows" in line for line in lines)
    assert any(line.startswith("02_second: verdict") and line.endswith("passed -> -") for line in lines)


def test_a_run_is_the_same_as_itself(record: Record) -> None:
    """Which is told as well."""
    assert "no difference" == history.compare(record.folder, record.folder).splitlines()[1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk without room takes /dev/full, which Linux has")
def test_a_folder_without_room_is_named(tmp_path: Path) -> None:
    """A write that finds no room names no file: the sentence would have blamed standard output."""
    record = Record(tmp_path, "local", FACTS)
    (record.folder / "run.json.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as caught:
        record.write("failed")
    assert str(record.folder) == caught.value.filename
