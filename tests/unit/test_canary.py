"""Secrets planted wherever one could come from, and a search for them in all that a run shows or leaves."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

import psutil
import pytest

from tests.unit.headless import Finished, Project, finish, until

CANARIES = {
    "PGPASSWORD": "canary-of-libpq/1+é",
    "AWS_SECRET_ACCESS_KEY": "canary/of+aws=2",
    "AWS_SESSION_TOKEN": "canary-token-3",
    "PLAIN_CONNECTION_URL": "postgresql://u:canary%2Furl-4@127.0.0.1:1/d",
}
FETCHED = "canary-of-secrets-manager-5"
SECRETS = {*list(CANARIES.values())[:3], "canary/url-4", "canary%2Furl-4", FETCHED}
SHOW = """\
import base64, json, os, sys, urllib.parse
from cruddur_ops import redaction
redaction.remember_members({"SecretString": json.dumps({"username": "u", "password": "canary-of-secrets-manager-5"})})
named = ("PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PLAIN_CONNECTION_URL")
secrets = [os.environ[name] for name in named] + ["canary-of-secrets-" + "manager-5"]
"""
CELLS = (
    SHOW + "print(*secrets)",
    "print(*secrets, file=sys.stderr)",
    "secrets",
    "display({'text/html': '<b>' + ' '.join(secrets), 'application/json': secrets}, raw=True, metadata={'note': secrets})",
    "print(*(base64.b64encode(('user:' + one).encode()).decode() for one in secrets))",
    "print(*(urllib.parse.quote(one, safe='') for one in secrets))",
    "os.system('echo ' + ' '.join(\"'\" + one + \"'\" for one in secrets))",
    "import pathlib, time\npathlib.Path('started').touch()",
    "while not pathlib.Path('seen').exists(): time.sleep(0.05)",
    "from cruddur_ops.errors import OpsError\nraise OpsError('refused: ' + ' '.join(secrets))",
)


def disguises(secret: str) -> Iterator[str]:
    """The forms in which it could stand somewhere: plain, quoted, in JSON, in base64 at each offset."""
    yield from (secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1])
    for offset in range(3):
        data = b"\0" * offset + secret.encode()
        yield base64.b64encode(data).decode()[-(-8 * offset // 6) : 8 * len(data) // 6]


def shows(text: str) -> set[str]:
    """The planted secrets that a text holds in any form."""
    return {secret for secret in SECRETS if any(form in text for form in disguises(secret))}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, Project, list[str]]:
    """A run whose cells show every secret in every way, and the process list in the middle of it."""
    project = Project(tmp_path_factory.mktemp("canary"))
    project.write("00_canary", *CELLS)
    process = project.start("run", "00", "--target", "plain", **CANARIES)
    until(lambda: process.poll() is not None or (project.folder / "notebooks" / "started").exists())
    running = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    (project.folder / "notebooks" / "seen").touch()
    return finish(process), project, running


def test_the_cells_ran_and_the_last_one_failed(run: tuple[Finished, Project, list[str]]) -> None:
    """Otherwise nothing would have been shown, and nothing searched."""
    finished, project, _ = run
    (record,) = project.records()
    assert (1, "failed") == (finished.code, record["verdict"])
    assert "refused: *** *** *** " in record["notebooks"][0]["error"]
    (executed,) = project.folder.glob("runs/*/00_canary.ipynb")
    assert executed.read_text().count("***") > 5 * len(CELLS)


def test_no_file_that_a_run_leaves_holds_a_secret(run: tuple[Finished, Project, list[str]]) -> None:
    """Neither notebook, page, record nor log, and nothing in the folders of state and temporary files."""
    own = run[1].folder / "notebooks"  # the source, which spells the fetched one in two parts
    files = [path for path in run[1].folder.rglob("*") if path.is_file() and own not in path.parents]
    assert {"00_canary.ipynb", "index.html", "run.json"} <= {path.name for path in files}
    found = {path.name: shows(path.read_bytes().decode(errors="replace")) for path in files}
    assert {} == {name: secrets for name, secrets in found.items() if secrets}


def test_nothing_on_the_screen_shows_a_secret(run: tuple[Finished, Project, list[str]]) -> None:
    """Neither standard output nor standard error."""
    finished = run[0]
    assert set() == shows(finished.stdout + finished.stderr)


def test_no_process_has_a_secret_in_its_arguments(run: tuple[Finished, Project, list[str]]) -> None:
    """While the cells run."""
    assert any("cruddur_ops" in line for line in run[2])
    assert set() == shows("\n".join(run[2]))


@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_a_disguised_secret_would_be_found(before: str) -> None:
    """Base64 of a longer text holds one of the forms, wherever in it the secret stands."""
    text = base64.b64encode(f"{before}{FETCHED}, and more".encode()).decode()
    assert {FETCHED} == shows(text)
