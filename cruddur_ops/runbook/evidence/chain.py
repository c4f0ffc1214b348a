"""A hash chain over the steps of a run: whoever edits one later would have to edit all after it, and the seal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cruddur_ops.errors import OpsError, WrongInput
from cruddur_ops.runbook.evidence.results import file_digest

SCHEMA = 1  # of run.json: docs/evidence.md describes it
PAGE = "index.html"
AFTERWARDS = {"verdict", "ended", "notebooks", "seal", "page_sha256"}  # not known when the run begins


class EvidenceAltered(OpsError):
    """A run's folder is not as the run left it."""


def link(previous: str, content: Mapping[str, Any]) -> str:
    """The next hash of the chain, in hexadecimal: SHA-256 over the one before and the content as canonical JSON."""
    text = json.dumps({"previous": previous, "content": content}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def links(record: Mapping[str, Any]) -> list[str]:
    """The hash of what was known beforehand, and those of the steps."""
    chain = [link("", {key: value for key, value in record.items() if key not in AFTERWARDS})]
    for step in record["notebooks"]:
        chain.append(link(chain[-1], {key: value for key, value in step.items() if key != "hash"}))
    return chain


def seal(record: Mapping[str, Any]) -> str:
    """The hash over everything: the last step's, the verdict, and the page."""
    return link(links(record)[-1], {key: record[key] for key in ("verdict", "ended", "page_sha256")})


def verify(folder: Path) -> str:
    """Check that a run's folder is as the run left it.

    Returns:
        The seal, to be compared with the one that the run printed: who edits everything can seal it anew.

    Raises:
        WrongInput: it is no folder of a run.
        EvidenceAltered: a file or a step was changed, or the run never ended.
    """
    record = read(folder)
    try:
        _require_intact(folder, record)
    except KeyError as error:
        raise EvidenceAltered(f"run.json lost its {error} after the run: do not rely on {folder}") from error
    return str(record["seal"])


def _require_intact(folder: Path, record: Mapping[str, Any]) -> None:
    for step, expected in zip(record["notebooks"], links(record)[1:], strict=True):
        if step["sha256"] and _digest(folder / f"{step['name']}.ipynb") != step["sha256"]:
            raise EvidenceAltered(f"{step['name']}.ipynb was changed after the run: do not rely on {folder}")
        if step.get("hash") != expected:
            raise EvidenceAltered(f"what run.json says of {step['name']}, or before it, was changed: do not rely on {folder}")
    if record["verdict"] == "running":
        raise EvidenceAltered(f"the run never ended, so its record was not sealed: see what it did in {folder}")
    if record["seal"] != seal(record):
        raise EvidenceAltered(f"the verdict in run.json was changed after the run: do not rely on {folder}")
    if _digest(folder / PAGE) != record["page_sha256"]:
        raise EvidenceAltered(f"{PAGE} was changed after the run: do not rely on it; run.json and the notebooks are intact")


def read(folder: Path) -> dict[str, Any]:
    """The record of a run.

    Raises:
        WrongInput: the folder has none, or one of a newer schema.
    """
    try:
        record: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WrongInput(f"{folder} has no run.json that can be read: `cruddur-ops runs` lists the runs") from error
    found = record.get("schema", "none") if isinstance(record, dict) else "none"
    if found != SCHEMA:
        raise WrongInput(f"{folder} has a record of schema {found}, not {SCHEMA}: read it with the version that wrote it")
    return record


def _digest(path: Path) -> str:
    return file_digest(path) if path.is_file() else ""
