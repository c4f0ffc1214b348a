"""The export of an instance's log files to CloudWatch Logs: what is new in them, in events with the time of the log line.

Source: RDS User Guide, "Publishing PostgreSQL logs to Amazon CloudWatch Logs": the names of the groups. That the one stream
is named `<identifier>.0` is as users show it.
"""

import re
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moto.backends import get_backend

from rds_sandbox.rds.instances import SandboxDBInstance

FILES = {"postgresql": "postgresql.log.*", "upgrade": "pg_upgrade*"}  # of authentication with IAM there are none here
BEGINNING = re.compile(r"^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3})? UTC)", re.MULTILINE)  # of a message: `%t` or `%m`
SECOND = len("2026-11-21 10:00:00")
_export = ThreadPoolExecutor(1, "log-exports")
_turn = threading.Lock()  # of the thread that looks after all instances, and of one that deletes an instance


def skip(instance: SandboxDBInstance, kinds: Iterable[str]) -> None:
    """Leave out what the files of these kinds have so far."""
    with _turn:
        for path in (path for kind in kinds for path in _files(instance, kind)):
            instance.exported[path] = path.stat().st_size


def export(instance: SandboxDBInstance, last: bool = False) -> None:
    """Export what is new; group and stream are made with the first look, and never again once the instance is deleted."""
    with _turn:
        kinds = () if instance.exports_ended else instance.enabled_cloudwatch_logs_exports or ()
        instance.exports_ended = instance.exports_ended or last
        if not kinds:
            return
        logs: Any = get_backend("logs")[instance.account_id][instance.region]
        name, stream = instance.db_instance_identifier, f"{instance.db_instance_identifier}.0"
        for kind in kinds:
            group = f"/aws/rds/instance/{name}/{kind}"
            if instance.status == "deleting" and group not in logs.groups:
                continue  # somebody has deleted it for good: not verified
            logs.ensure_log_group(group)
            logs.ensure_log_stream(group, stream)
            if found := [event for path in _files(instance, kind) for event in _news(instance, path)]:
                found.sort(key=lambda event: event["timestamp"])
                _export.submit(logs.put_log_events, group, stream, found)  # in order, and nobody waits for subscribers


def _files(instance: SandboxDBInstance, kind: str) -> list[Path]:
    server = instance.machine.server
    return sorted(server.logs.glob(FILES[kind])) if server and kind in FILES else []


def _news(instance: SandboxDBInstance, path: Path) -> list[dict[str, Any]]:
    """The events of what the file has more than when it was read last, in whole lines."""
    before = instance.exported.get(path, 0)
    if path.stat().st_size == before:
        return []
    with path.open("rb") as file:
        file.seek(before)
        new = file.read()
    new = new[: new.rfind(b"\n") + 1]
    instance.exported[path] = before + len(new)
    texts = [text for text in BEGINNING.split(new.decode(errors="replace")) if text]
    return [{"timestamp": _moment(text, path), "message": text.rstrip("\n")} for text in texts]


def _moment(text: str, path: Path) -> int:
    """In milliseconds: that of the message, or of the file where it has none."""
    if BEGINNING.match(text):
        return int(datetime.fromisoformat(text[:SECOND]).replace(tzinfo=UTC).timestamp() * 1000)
    return int(path.stat().st_mtime * 1000)
