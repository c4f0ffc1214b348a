"""Who hears of a run: a command, a webhook, a topic; of failure, drift and recovery, once each."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from cruddur_ops import aws, targets
from cruddur_ops.runbook import Request, Run, notebooks, notify, runner
from cruddur_ops.runbook.evidence import Record, Result
from tests.unit.headless import OUTCOME, Project, write_notebook
from tests.unit.test_plans import write

SECTION = {"protected": False, "account_id": "123456789012", "connection_url": "postgresql://nobody@127.0.0.1:1/plain"}
TOPIC = "arn:aws:sns:eu-west-1:123456789012:runs"
CHANGE = {"plan": "things", "action": "create", "resource": "database a", "setting": "", "before": None, "after": "today"}
RESULTS = {
    "": Result("00_a", "passed"),
    "failure of 00_a": Result("00_a", "failed", error="it broke"),
    "drift of a": Result("00_a", "passed", changes=(CHANGE,)),
    "the same drift of a": Result("00_a", "passed", changes=(CHANGE | {"after": "tomorrow"},)),
    "drift of b": Result("00_a", "passed", changes=(CHANGE | {"resource": "database b"},)),
    "a smoke test": Result("00_a", "passed", changes=(CHANGE | {"transient": True},)),
}


def a_run(folder: Path, notice: str, **asked: Any) -> Run:
    """A run of one notebook, on a target with this `notify`."""
    notebook = notebooks.read(write_notebook(folder, "00_a"))
    return Run((notebook,), targets.from_section("plain", {**SECTION, "notify": notice}), {}, Request(**asked))


def end(run: Run, runs: Path, result: Result, verdict: str = "") -> Record:
    """What comes of it, as the runner has it."""
    record = Record(runs, "plain", runner._facts(run) | notify.heard(run, runs))
    record.add(result)
    notify.tell(run, record, verdict or result.verdict)
    record.write("running")  # its last state would be rendered as a page, too
    return record


STORY = (  # how it ends, whether the notice arrives, and what it says
    ("", True, None),
    ("drift of a", False, None),
    ("drift of a", True, "drift"),
    ("the same drift of a", True, None),
    ("drift of b", True, "drift"),
    ("failure of 00_a", True, "failure"),
    ("failure of 00_a", True, None),
    ("a smoke test", True, "recovery"),
    ("", True, None),
)


def test_each_state_is_told_once(tmp_path: Path) -> None:
    """Another state than was heard last is told, until it was heard; what comes and goes is none, nor is another value."""
    told = tmp_path / "told"
    for kind, works, _ in STORY:
        run = a_run(tmp_path, f"sh -c 'cat >> {told}'" if works else "false", plan_only=True)
        end(run, tmp_path / "runs", RESULTS[kind])
    subjects = [line.partition(": ")[2] for line in told.read_text().splitlines() if line.startswith("cruddur-ops on plain: ")]
    assert [says for _, _, says in STORY if says] == [subject.split()[0] for subject in subjects]


def test_other_runs_and_interrupted_ones_tell_nothing_of_these(tmp_path: Path) -> None:
    """A plan that failed is no matter of a run that changes; a run that was cut off takes over what was heard."""
    planning, changing = (a_run(tmp_path, "true", plan_only=planned) for planned in (True, False))
    failed = RESULTS["failure of 00_a"]
    assert "failure of 00_a" == end(planning, tmp_path / "runs", failed).facts["heard"]
    assert "" == end(changing, tmp_path / "runs", failed, "interrupted").facts["heard"]
    assert "failure of 00_a" == end(planning, tmp_path / "runs", RESULTS[""], "interrupted").facts["heard"]


def test_a_topic_hears_the_panel_and_where_the_evidence_is(account: str, tmp_path: Path) -> None:
    """In the region of its ARN; the link is that of the copy, where there is one."""
    from moto.sns.models import sns_backends

    run = a_run(tmp_path, TOPIC, evidence_url="s3://bucket/runs")
    client = aws.client(replace(run.target, region="eu-west-1"), "sns")
    client.create_topic(Name="runs")
    record = end(run, tmp_path / "runs", RESULTS["failure of 00_a"])
    ((_, message, subject, *_),) = sns_backends[account]["eu-west-1"].topics[TOPIC].sent_notifications
    assert "cruddur-ops on plain: failure of 00_a" == subject
    assert "-- 00_a failed ---" in message
    assert message.endswith(f"evidence: s3://bucket/runs/{record.folder.name}/index.html")


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("notice", "why"),
    [
        (TOPIC, "SNS answered NotFound"),
        ("http://127.0.0.1:9/services/T0123456789", "the webhook was not reached, ConnectError"),
        ("sh -c 'exit 3'", "the command ended with 3"),
        ("no-such-program now", "the command cannot be run, No such file or directory"),
    ],
)
def test_a_notice_that_fails_is_a_sentence(notice: str, why: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The run goes on, and the next one tells it again; what the notice was to go to is not shown."""
    record = end(a_run(tmp_path, notice), tmp_path / "runs", RESULTS["failure of 00_a"])
    (said,) = capfd.readouterr().err.splitlines()
    assert (True, False, "") == (
        said.startswith(f"nobody was told of the failure ({why}): "),
        notice in said,
        record.facts["heard"],
    )


@dataclass
class Webhook:
    """Where to send, and what came."""

    url: str
    bodies: list[dict[str, str]]
    answer: int = 200


@contextmanager
def webhook() -> Iterator[Webhook]:
    """A server on this machine that takes notices."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802  # http.server's name
            found.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(found.answer)
            self.send_header("Location", f"{found.url}?moved")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Webhook(f"http://me:Pa55phrase@127.0.0.1:{server.server_port}/services/T012345/verysecrettoken", [])
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield found
        server.shutdown()


def test_a_webhook_hears_of_drift_and_stays_a_secret(project: Project) -> None:
    """No output, no error and no file has what stands in its URL; a refusal changes no code."""
    printing = "from cruddur_ops import load_target; url = load_target(target).notify; print(url, url[8:], url.split(':', 3)[3])"
    write(project, "00_first", "a")
    project.write("01_second", printing, f"{OUTCOME}0")
    with webhook() as hook:
        ends = [project.run("run", "--plan", "--target", "plain", CRUDDUR_NOTIFY=hook.url)]
        hook.answer = 302
        (project.folder / "notebooks" / "a").touch()
        ends.append(project.run("run", "--plan", "--target", "plain", CRUDDUR_NOTIFY=hook.url))
    assert [2, 0] == [one.code for one in ends], ends
    assert ["drift", "recovery"] == [body["text"].split()[3] for body in hook.bodies]
    assert "00_first: + file a" in hook.bodies[0]["text"]
    assert ["", "the webhook answered 302"] == [one.stderr.partition("(")[2].partition(")")[0] for one in ends]
    kept = [path.read_text() for path in project.folder.glob("runs/*/*")]
    shown = "".join([*kept, *(one.stdout + one.stderr for one in ends), *(body["text"] for body in hook.bodies)])
    assert [] == [secret for secret in ("verysecrettoken", "Pa55phrase", "T012345") if secret in shown]
