"""The server's own log files, as DescribeDBLogFiles and DownloadDBLogFilePortion hand them out."""

import sys
from pathlib import Path
from typing import Any

from moto.rds.exceptions import InvalidParameterValue, RDSClientError

from rds_sandbox.patches import Request, action
from rds_sandbox.rds.requests import given, paged
from rds_sandbox.tables import limits

FOLDER = "error/"  # before every name of a PostgreSQL log file on RDS
LIMITS = limits("rds")


@action("rds", "DescribeDBLogFiles")
def describe(request: Request) -> dict[str, Any]:
    """Oldest first: name, size in bytes, when they were written (POSIX, in milliseconds)."""
    asked = given(request)
    found = [
        file
        for file in map(_described, sorted(_folder(request).iterdir()))
        if asked.get("FilenameContains", "") in file["LogFileName"]
        if file["LastWritten"] >= asked.get("FileLastWritten", 0)
        if file["Size"] > asked.get("FileSize", -1)
    ]
    return paged({"DescribeDBLogFiles": found}, asked, most=sys.maxsize, least=1)  # the API Reference states no limits


def _described(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"LogFileName": _name(path), "LastWritten": int(status.st_mtime * 1000), "Size": status.st_size}


def _name(path: Path) -> str:
    """That of a major upgrade's precheck has no folder (User Guide, "How to perform a major version upgrade")."""
    return path.name if path.name.startswith("pg_upgrade_precheck") else FOLDER + path.name


def _folder(request: Request) -> Path:
    instance = request.backend.find(request.parameters["DBInstanceIdentifier"])
    server = instance.machine.server
    if server is None or instance.status == "creating" or not server.logs.exists():
        raise RDSClientError("DBInstanceNotReady", f"DB instance {instance.db_instance_identifier} is not ready.")
    logs: Path = server.logs
    return logs


@action("rds", "DownloadDBLogFilePortion")
def download(request: Request) -> dict[str, Any]:
    """From the marker on, else the last lines; the marker counts bytes."""
    asked = given(request)
    content = _read(_folder(request), str(asked.get("LogFileName", "")))
    lines, marker = asked.get("NumberOfLines", LIMITS["log_lines"]), asked.get("Marker")
    last = b"".join(content.splitlines(keepends=True)[-lines:])
    start = len(content) - len(last) if marker is None else _position(str(marker), content)
    portion = b"".join(content[start:].splitlines(keepends=True)[:lines])[: LIMITS["log_portion"]]
    end = start + len(portion)
    return {"LogFileData": portion.decode(errors="replace"), "Marker": str(end), "AdditionalDataPending": end < len(content)}


def _read(folder: Path, name: str) -> bytes:
    files = {_name(path): path for path in folder.iterdir()}
    if name not in files:
        raise RDSClientError("DBLogFileNotFoundFault", f"DBLog File: {name}, is not found on the DB instance")
    return files[name].read_bytes()


def _position(marker: str, content: bytes) -> int:
    if not marker.isdecimal() or int(marker) > len(content):
        raise InvalidParameterValue(f"Invalid marker: {marker}")
    return int(marker)
