"""Fleets: which targets, in which waves, how many may fail, what differs; on a real cluster of Dask's, with small tasks."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import fleet
from cruddur_ops.errors import ConfirmationRequired, RunInterrupted, WrongInput
from cruddur_ops.fleet import order, page, record, selection, waves, worker
from cruddur_ops.fleet.order import Order, Report
from cruddur_ops.fleet.page import Difference, differences
from cruddur_ops.runbook import evidence
from cruddur_ops.target import Target

if TYPE_CHECKING:
    from distributed import Client

SECTIONS: dict[str, dict[str, Any]] = {
    "prod-b": {"tags": {"team": "payments"}},
    "prod-a": {},
    "test": {"tags": {"team": "search"}},
}
NAMES = st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=40, unique=True)
SIZES = st.lists(st.one_of(st.integers(0, 50).map(str), st.integers(0, 100).map("{}%".format)), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["prod-*"], ("prod-b", "prod-a")),
        (["prod-a", "prod-*"], ("prod-a", "prod-b")),
        (["team=payments"], ("prod-b",)),
        (["team=*"], ("prod-b", "test")),
    ],
)
def test_targets_by_pattern_and_tag(patterns: list[str], expected: tuple[str, ...]) -> None:
    """Each once, in the order of the patterns and then of the file, so that a name before a pattern is the canary."""
    assert expected == fleet.select(patterns, SECTIONS)


@pytest.mark.parametrize("pattern", ["live-*", "team=nobody", "owner=me", ""])
def test_a_pattern_that_fits_nothing(pattern: str) -> None:
    """It is named, with what there is."""
    with pytest.raises(WrongInput, match=f'no target fits "{pattern}": '.replace("*", r"\*")):
        fleet.select(["prod-*", pattern], SECTIONS)


def test_no_pattern_at_all() -> None:
    """Nobody runs on everything by leaving something out."""
    with pytest.raises(WrongInput, match="no targets are named"):
        fleet.select([], SECTIONS)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"account_id": "222222222222"}, False),
        ({"region": "eu-west-1"}, False),
        ({"db_instance_identifier": "other"}, False),
        ({"profile": "other"}, True),
    ],
)
def test_two_targets_that_are_the_same_instance(changes: Mapping[str, Any], same: bool) -> None:
    """They are told apart by account, region and identifier, whichever profile leads there."""
    one = Target("one", account_id="111111111111")
    if same:
        with pytest.raises(WrongInput, match="one and two are the same instance, cruddur-db-instance, so nothing was started"):
            selection.require_distinct([one, replace(one, name="two", **changes)])
    else:
        selection.require_distinct([one, replace(one, name="two", **changes)])


@pytest.mark.parametrize(
    ("other", "same"),
    [("ann:x@DB/cruddur?sslmode=require", True), ("/cruddur?host=db", True), ("/cruddur?host=/run", False), ("db/other", False)],
)
def test_two_targets_that_are_the_same_database(other: str, same: bool) -> None:
    """Behind URLs they are told apart by server and database, whoever logs in."""
    found = [Target("one", connection_url="postgresql://db:5432/cruddur"), Target("two", connection_url=f"postgresql://{other}")]
    with pytest.raises(WrongInput, match="one and two are the same server and database") if same else nullcontext():
        selection.require_distinct(found)


@given(names=NAMES, sizes=SIZES)
def test_waves_have_every_target_once_and_begin_with_the_canary(names: list[str], sizes: list[str]) -> None:
    """Whatever sizes are asked for."""
    found = waves.split(names, ",".join(sizes))
    assert (names, 1) == ([name for wave in found for name in wave], len(found[0]))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [("1,10%,100%", [1, 2, 17]), ("100%", [1, 19]), ("5", [1, 5, 5, 5, 4]), ("1", [1] * 20), ("10%,50%", [1, 2, 10, 7])],
)
def test_sizes_of_waves(sizes: str, expected: list[int]) -> None:
    """Of 20 targets; percentages are of all, the last size is repeated, and the canary is counted in no other."""
    assert expected == [len(wave) for wave in waves.split([str(number) for number in range(20)], sizes)]


@pytest.mark.parametrize("sizes", ["", "one", "-1", "101%", "1,,2", "1.5", "9" * 7, "²"])
def test_sizes_that_are_none(sizes: str) -> None:
    """They are refused with the way to write them."""
    with pytest.raises(WrongInput, match="--waves cannot be"):
        waves.split(["a", "b"], sizes)


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        (set(), ""),
        ({"b"}, ""),
        ({"b", "c"}, "2 of the targets have not passed, and 1 may"),
        ({"a"}, "the canary a has not passed"),
    ],
)
def test_why_no_more_are_started(failed: set[str], expected: str) -> None:
    """The canary must pass, and of the others so many may fail."""
    assert expected == waves.stop_reason(failed, "a", 1)


def test_differences() -> None:
    """The largest group first; what a target does not tell is a value, too; what is the same everywhere is left out."""
    facts = {"a": {"version": "18.1", "port": "5432"}, "b": {"version": "17.4", "port": "5432"}, "c": {"version": "18.1"}}
    expected = [
        Difference("version", [("18.1", ("a", "c")), ("17.4", ("b",))]),
        Difference("port", [("5432", ("a", "b")), ("-", ("c",))]),
    ]
    assert expected == differences(facts)


SEEN: list[Order] = []  # what the tasks below were given: they run in threads of this process
WORKING = threading.Semaphore(2)


def noting(one: Order) -> Report:
    """A task that passes, with a plan of the target's own."""
    SEEN.append(one)
    return Report(one.target, "passed", digest=f"d-{one.target}", plan=f"plan of {one.target}")


def moving(one: Order) -> Report:
    """A task that plans something else than before for one target."""
    return replace(noting(one), digest="another") if one.target == "t2" else noting(one)


def one_of_two(one: Order) -> Report:
    """A task that fails where two others are at work."""
    if not WORKING.acquire(blocking=False):
        return Report(one.target, "failed")
    time.sleep(0.02)
    WORKING.release()
    return noting(one)


Start = Callable[..., fleet.Fleet]


@pytest.fixture(scope="module")
def workers() -> Iterator[tuple[Client, int]]:
    """Four of them, which take half a second to start."""
    from cruddur_ops.fleet import cluster  # imports dask

    with cluster.workers("", 4) as found:
        yield found


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch, workers: tuple[Client, int]) -> None:
    """Let a fleet use workers that are there."""
    monkeypatch.setattr("cruddur_ops.fleet.cluster.workers", lambda _, most: nullcontext((workers[0], most)))


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """A fleet over targets t0, t1 and so on that can begin; its orders go to a task of the test's."""
    SEEN.clear()

    def made(count: int = 6, sizes: str = "1,100%", errors: int = 0, plan_only: bool = False, **others: Any) -> fleet.Fleet:
        names = [f"t{number}" for number in range(count)]
        split = [tuple(names)] if plan_only else waves.split(names, sizes)
        facts = {"targets": names, "notebooks": [], "given": {}, "plan_only": plan_only, "waves": split, "errors": errors,
                 "seconds": 0, "evidence_url": "", "approved": "", "source": "", "plans": {}, "digest": "", **others}  # fmt: skip
        return fleet.Fleet(record.create(tmp_path, facts), "", 4, tuple(split))

    return made


def carry_out(made: fleet.Fleet, task: Callable[[Order], Report]) -> dict[str, Report]:
    """Its last report of each target, once it has ended."""
    return fleet.carry_out(made, lambda _: None, lambda _: None, task).record.reports()


def failing(*names: str, verdict: str = "failed") -> Callable[[Order], Report]:
    """A task that fails for these."""
    return lambda one: Report(one.target, verdict if one.target in names else "passed", "it broke")


def test_a_fleet_on_a_cluster_of_this_process(start: Start) -> None:
    """All pass; the folder has a line for each, and how it ended."""
    made = start()
    assert ["passed"] * 6 == [report.verdict for report in carry_out(made, failing()).values()]
    assert "passed" == record.find("last", made.record.folder.parent).verdict


@pytest.mark.usefixtures("shared")
def test_a_canary_that_fails(start: Start) -> None:
    """Nothing else is started, and the rest are told why."""
    found = carry_out(start(errors=5), failing("t0"))
    assert {"t0": "it broke"} | {f"t{number}": "the canary t0 has not passed" for number in range(1, 6)} == {
        name: report.why for name, report in found.items()
    }


@pytest.mark.usefixtures("shared")
def test_an_error_budget_that_is_used_up(start: Start) -> None:
    """What runs is finished; the next wave is not started."""
    found = carry_out(start(9, "1,4,100%", errors=1), failing("t1", "t2", verdict="locked"))
    verdicts = [report.verdict for report in found.values()]
    assert ({"passed": 3, "locked": 2, "not started": 4}, "2 of the targets have not passed, and 1 may") == (
        {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts), reverse=True)},
        found["t8"].why,
    )


@pytest.mark.usefixtures("shared")
def test_no_more_at_a_time_than_asked_for(start: Start) -> None:
    """Two, of the four that there is room for."""
    assert {"passed"} == {report.verdict for report in carry_out(replace(start(9), most=2), one_of_two).values()}


@pytest.mark.usefixtures("shared")
def test_a_fleet_that_is_interrupted_goes_on(start: Start) -> None:
    """What has passed is not run again; what failed, or was not reached, is."""
    made = start()

    def stop(report: Report) -> None:
        if report.target == "t0":
            raise KeyboardInterrupt

    with pytest.raises(RunInterrupted, match=f"cruddur-ops fleet resume {made.record.name}"):
        fleet.carry_out(made, stop, lambda _: None, failing())
    assert "interrupted" == record.read(made.record.folder).verdict

    SEEN.clear()
    found = carry_out(fleet.resumed("last", made.record.folder.parent, fleet.Wish(most=1)), noting)
    assert (["t1", "t2", "t3", "t4", "t5"], 6) == ([one.target for one in SEEN], len(found))


def test_a_fleet_whose_client_was_killed(start: Start) -> None:
    """Its folder tells so, a line that was cut off says nothing, and it can be resumed."""
    made = start()
    made.record.add(Report("t0", "passed"))
    with (made.record.folder / record.RESULTS).open("a") as file:
        file.write('{"target": "t1", "verd')
    text = (made.record.folder / record.NAME).read_text()
    dead = {**json.loads(text), "process_began": 1.0}
    (made.record.folder / record.NAME).write_text(json.dumps(dead))
    resumed = fleet.resumed("last", made.record.folder.parent, fleet.Wish())
    assert ("killed", (("t1", "t2", "t3", "t4", "t5"),)) == (resumed.record.verdict, resumed.left)


@pytest.mark.usefixtures("shared")
def test_a_fleet_that_still_runs_or_has_passed_is_not_resumed(start: Start) -> None:
    """Two clients would do everything twice."""
    made = start(1)
    with pytest.raises(WrongInput, match="is running"):
        fleet.resumed("last", made.record.folder.parent, fleet.Wish())
    carry_out(made, failing())
    with pytest.raises(WrongInput, match="has passed on all targets"):
        fleet.resumed("last", made.record.folder.parent, fleet.Wish())


def planned(start: Start) -> fleet.Fleet:
    """A fleet that has planned, each target with a plan of its own."""
    made = start(5, plan_only=True)
    found = fleet.carry_out(made, lambda _: None, lambda _: None, noting)
    SEEN.clear()
    return found


def ran(made: fleet.Fleet, target: str, verdict: str, *, plan_only: bool = False) -> str:
    """The folder that a run of a target has left; its name."""
    runs = made.record.folder / order.place(target)
    one = evidence.Record(runs, target, {"plan_only": plan_only, "parameters": {}, "settings": {}})
    one.write(verdict)
    return one.folder.name


@pytest.mark.usefixtures("shared")
def test_a_target_that_was_cut_off_is_not_planned_again(start: Start) -> None:
    """Its plan would come out differently by now; the other's is made, and both are given what was approved."""
    made = approved(start, planned(start))
    ran(made, "t3", "failed")
    ran(made, "t4", "passed", plan_only=True)
    carry_out(made, noting)
    assert {"t0", "t1", "t2", "t4"} == {one.target for one in SEEN if one.plan_only}
    assert [f"plan of t{number}" for number in range(5)] == sorted(one.plan for one in SEEN if not one.plan_only)


def test_what_a_target_goes_on_with(start: Start) -> None:
    """The last run that was to change it, unless that has passed."""
    made = start()
    folder = made.record.folder / order.place("t1")
    expected = ["", ran(made, "t1", "failed")]
    found = [record.cut_off(made.record.folder / "nowhere"), record.cut_off(folder)]
    ran(made, "t1", "failed", plan_only=True)
    found.append(record.cut_off(folder))
    ran(made, "t1", "passed")
    found.append(record.cut_off(folder))
    assert [*expected, expected[1], ""] == found


def approved(start: Start, source: fleet.Fleet) -> fleet.Fleet:
    """A fleet that applies these plans, in waves of two after the canary."""
    plans = {name: report.digest for name, report in source.record.reports().items()}
    return start(5, "1,2", approved=source.facts["digest"], source=source.record.name, plans=plans)


@pytest.mark.usefixtures("shared")
def test_plans_that_are_approved(start: Start) -> None:
    """Each wave is planned again, and each target is given its plan, which is found by the digest over all."""
    source = planned(start)
    assert source.record.name == record.planned(source.facts["digest"][:12], source.record.folder.parent).name
    carry_out(approved(start, source), noting)
    assert [f"plan of t{number}" for number in range(5)] == sorted(one.plan for one in SEEN if not one.plan_only)


@pytest.mark.usefixtures("shared")
def test_a_plan_that_moved(start: Start) -> None:
    """Its target is refused, and so are all of its wave and of those after it."""
    found = carry_out(approved(start, planned(start)), moving)
    assert (["t0"], {"passed": 1, "moved": 1, "not started": 3}) == (
        [one.target for one in SEEN if not one.plan_only],
        {verdict: [one.verdict for one in found.values()].count(verdict) for verdict in ("passed", "moved", "not started")},
    )


@pytest.mark.usefixtures("shared")
def test_a_digest_that_nobody_has_seen(start: Start) -> None:
    """It is refused, as one that is too short is."""
    source = planned(start)
    for digest in ("0" * 12, source.facts["digest"][:4], ""):
        with pytest.raises(WrongInput, match="no fleet in"):
            record.planned(digest, source.record.folder.parent)


@pytest.mark.usefixtures("shared")
def test_evidence_that_cannot_be_kept(start: Start, tmp_path: Path) -> None:
    """It is told before anything runs; or ends the fleet, with the folder, where it happens later."""
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongInput, match="cannot keep the runs"):
        record.create(tmp_path / "file", {})
    made = start()
    full = pytest.raises(OSError, match=f"No space left on device: '.*{made.record.name}'")
    (made.record.folder / page.NAME).symlink_to("/dev/full")
    with full:
        page.write(made.record.folder)
    (made.record.folder / record.RESULTS).symlink_to("/dev/full")
    with full:
        fleet.carry_out(made, lambda _: None, lambda _: None, noting)
    assert ("failed", ["t0"]) == (record.read(made.record.folder).verdict, [one.target for one in SEEN])


def broken(one: Order) -> Report:
    """A task whose machine has no room any more."""
    raise OSError(28, "No space left on device", one.folder)


@pytest.mark.usefixtures("shared")
def test_a_worker_that_cannot_run_anything(start: Start) -> None:
    """Its target has failed, and the fleet says why."""
    found = carry_out(start(2), broken)["t0"]
    assert ("failed", True) == (found.verdict, "No space left on device" in found.why)


def test_workers_that_are_not_as_this_machine() -> None:
    """What differs is told, worker by worker."""
    from cruddur_ops.fleet import cluster

    own = cluster.fingerprint()
    assert [] == cluster.unlike(own, {"a": own})
    found = cluster.unlike(own, {"a": own, "b": {**own, "cruddur-ops": "0.0.9"}, "c": {}})
    assert (f"cruddur-ops on b: 0.0.9, here {own['cruddur-ops']}", 1 + len(own)) == (found[0], len(found))


@pytest.mark.parametrize("address", ["tcp://10.0.0.7:8786", "http://127.0.0.1:8786", "scheduler", "tcp://scheduler:8786"])
def test_a_scheduler_that_anybody_could_use(address: str) -> None:
    """Without TLS none but this machine's own is asked."""
    from cruddur_ops.fleet import cluster

    with pytest.raises(WrongInput, match="give tls://HOST:PORT"), cluster.workers(address, 1):
        pass


def test_a_scheduler_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedy is to start it."""
    from cruddur_ops.fleet import cluster

    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.2)
    with pytest.raises(WrongInput, match="no scheduler answers at tcp://127.0.0.1:1 "), cluster.workers("tcp://127.0.0.1:1", 1):
        pass


def test_a_protected_target_needs_an_approved_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No option takes the place of reading it."""
    (tmp_path / "targets.toml").write_text('[guarded]\naccount_id = "000000000000"\n')
    monkeypatch.setenv("CRUDDUR_TARGETS", str(tmp_path / "targets.toml"))
    wish = fleet.Wish(["guarded"], ["01"])
    with pytest.raises(ConfirmationRequired, match="fleet plan`, then `cruddur-ops fleet run --approved DIGEST"):
        fleet.begin(wish, tmp_path)
    assert ("guarded",) == fleet.begin(replace(wish, plan_only=True), tmp_path).left[0]


def command(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let a run be this program instead."""
    monkeypatch.setattr(worker, "COMMAND", (sys.executable, "-c", program))


def test_a_run_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is interrupted by the end of its standard input, and killed where it does not care."""
    monkeypatch.setattr(worker, "GRACE", 0)
    command(monkeypatch, "import time; time.sleep(60)")
    found = worker.run(Order("t", "fleet", str(tmp_path), seconds=1))
    assert ("timed out", True) == (found.verdict, found.why.startswith("it took longer than 1 seconds"))


@pytest.mark.parametrize("size", [1, 1_000_000], ids=["which may have been told", "which was not told all"])
def test_a_run_whose_process_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Its last word is what failed."""
    command(monkeypatch, "import sys; sys.exit('no room')")
    found = worker.run(Order("t", "fleet", str(tmp_path), given={"rows": "x" * size}))
    assert ("failed", "no room") == (found.verdict, found.why)


def test_the_page(start: Start, tmp_path: Path) -> None:
    """Each target leads to the page of its run; what differs is a table; whatever is told is escaped."""
    made = start(2)
    steps = ({"name": "01_provision_rds", "verdict": "failed", "seconds": 1.5, "outcome": {"created": 1}},)
    folder = made.record.folder / "target-t0" / "run"
    reports = {
        "t0": Report("t0", "failed", "<b>", 2.0, "host", str(folder), steps, 1, {"version": "18"}, {"size": "8 MiB"}),
        "t1": Report("t1", "passed", facts={"version": "17"}),
    }
    html = page.render(made.facts, "name", reports)
    elsewhere = replace(reports["t0"], folder="/elsewhere/runs/run")
    assert ("", "target-t0/run/index.html") == (page.link(elsewhere, copied=False), page.link(elsewhere, copied=True))
    assert all(
        part in html for part in ('<a href="target-t0/run/index.html">t0</a>', "&lt;b&gt;", "8 MiB", "<td>17</td>", "1 created")
    )
