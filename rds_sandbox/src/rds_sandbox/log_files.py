"""The server's own log files, as DescribeDBLogFiles and DownloadDBLogFilePortion hand them out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moto.rds.exceptions import InvalidParameterValue, RDSClientError

from rds_sandbox.instances import SandboxDBInstance

FOLDER = "error/"  # before every name of a PostgreSQL log file on RDS
MOST_LINES = 10000
MOST_BYTES = 1 << 20  # of a portion


def describe(instance: SandboxDBInstance, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The log files, oldest first: name, size in bytes, when they were written (POSIX, in milliseconds).

    Raises:
        RDSClientError: `DBInstanceNotReady`.
    """
    found = [_described(path) for path in sorted(_folder(instance).iterdir())]
    return [
        file
        for file in found
        if parameters.get("FilenameContains", "") in file["LogFileName"]
        if file["LastWritten"] >= parameters.get("FileLastWritten", 0)
        if file["Size"] >= parameters.get("FileSize", 0)
    ]


def _described(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"LogFileName": FOLDER + path.name, "LastWritten": int(status.st_mtime * 1000), "Size": status.st_size}


def _folder(instance: SandboxDBInstance) -> Path:
    server = instance.machine.server
    if server is None or not server.logs.exists():
        raise RDSClientError("DBInstanceNotReady", f"DB instance {instance.db_instance_identifier} is not ready.")
    return server.logs


def download(instance: SandboxDBInstance, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A portion of a log file: from the marker on, else the last lines; the marker counts bytes.

    Raises:
        RDSClientError: `DBLogFileNotFoundFault`, or `InvalidParameterValue` for a marker that no portion gave.
    """
    name = str(parameters.get("LogFileName", ""))
    content = _read(_folder(instance), name)
    lines, marker = parameters.get("NumberOfLines", MOST_LINES), parameters.get("Marker")
    start = _last_lines(content, lines) if marker is None else _position(str(marker), content)
    portion = b"".join(content[start:].splitlines(keepends=True)[:lines])[:MOST_BYTES]
    end = start + len(portion)
    return {
        "LogFileData": portion.decode(errors="replace"),
        "Marker": str(end),
        "AdditionalDataPending": end < len(content),
    }


def _read(folder: Path, name: str) -> bytes:
    files = {FOLDER + path.name: path for path in folder.iterdir()}
    if name not in files:
        raise RDSClientError("DBLogFileNotFoundFault", f"DBLog File: {name}, is not found on the DB instance")
    return files[name].read_bytes()


def _position(marker: str, content: bytes) -> int:
    if not marker.isdecimal() or int(marker) > len(content):
        raise InvalidParameterValue(f"Invalid marker: {marker}")
    return int(marker)


def _last_lines(content: bytes, lines: int) -> int:
    """Where the last lines begin."""
    return len(content) - len(b"".join(content.splitlines(keepends=True)[-lines:]))
