"""The lists of packages agree with one another, with what is installed, and with the Makefile that installs them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cruddur_ops.state import PROJECT

PROJECTS = ("pyproject.toml", "rds_sandbox/pyproject.toml")
LOCKS = ("requirements.lock", "requirements-dev.lock")
SANDBOX = "rds-sandbox"
CONDA_NAMES = {"matplotlib-base": "matplotlib"}
Pins = dict[str, str]


def lock(name: str) -> list[Requirement]:
    """The requirements of a lock."""
    lines = (PROJECT / name).read_text().splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]


def pins(requirements: list[Requirement]) -> Pins:
    """The versions of those that this system needs."""
    needed = [one for one in requirements if one.marker is None or one.marker.evaluate()]
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in needed}


def declared(*extras: str, folder: Path = PROJECT) -> list[Requirement]:
    """The direct dependencies of a pyproject.toml; in place of rds-sandbox, which lies here too, its own."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    found = [Requirement(line) for line in project["dependencies"] + [line for name in extras for line in optional[name]]]
    within = [line for one in found if one.name == SANDBOX for line in declared(*one.extras, folder=PROJECT / "rds_sandbox")]
    return [one for one in found if one.name != SANDBOX] + within


def conda() -> Pins:
    """The pins of environment.yml, by PyPI's names."""
    content: dict[str, Any] = yaml.safe_load((PROJECT / "environment.yml").read_text())
    *lines, last = content["dependencies"]
    pinned = [line.replace("=", "==") for line in lines if re.fullmatch(r"[\w-]+=[\d.]+", line)]
    found = pins([Requirement(line) for line in pinned + last["pip"] if not line.startswith("-")])
    return {CONDA_NAMES.get(name, name): pin for name, pin in found.items()}


@pytest.mark.parametrize(("name", "extras"), [(LOCKS[0], ["sandbox"]), (LOCKS[1], ["sandbox", "dev"])])
def test_a_lock_fulfils_what_is_declared(name: str, extras: list[str]) -> None:
    """Each dependency of pyproject.toml is locked, at a version that it allows."""
    locked = pins(lock(name))
    unmet = [str(one) for one in declared(*extras) if not one.specifier.contains(locked[canonicalize_name(one.name)])]
    assert [] == unmet


def test_the_tests_lock_has_all_of_the_runtime_lock() -> None:
    """What is tested is what runs."""
    runtime, everything = ({one.name: one.specifier for one in lock(name)} for name in LOCKS)
    assert runtime == {name: everything[name] for name in runtime}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_versions_and_nothing_else(name: str) -> None:
    """No index, no address, no path of the machine on which it was made."""
    assert all(re.fullmatch(r"==[^,]+", str(one.specifier)) and one.url is None for one in lock(name))
    lines = (PROJECT / name).read_text().splitlines()
    assert [] == [line for line in lines if re.search(r"://|(^|[ =])[~/]|^ *-", line)]
    assert "uv pip compile --universal --python-version 3.11 --extra sandbox" in lines[1]


def test_the_extra_is_the_sandbox_of_this_repository() -> None:
    """`pip install cruddur-ops[sandbox]` brings the version that lies beside it, with its server."""
    here = tomllib.loads((PROJECT / "rds_sandbox" / "pyproject.toml").read_text())["project"]
    extra = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["sandbox"]
    assert [f"{here['name']}[server]=={here['version']}"] == extra


def test_what_is_installed_is_what_is_locked() -> None:
    """The tests run with the locked versions."""
    locked = pins(lock(LOCKS[1]))
    assert locked == {name: version(name) for name in locked}


def test_conda_users_get_the_same_versions() -> None:
    """environment.yml has each direct dependency, and no other, at its locked version."""
    locked = pins(lock(LOCKS[1]))
    direct = {canonicalize_name(one.name) for one in declared("sandbox", "dev")}
    assert {name: locked[name] for name in direct} == conda()


def test_conda_and_make_ask_for_the_declared_python() -> None:
    """One least version, in three files."""
    least = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    assert f"- python>={least}\n" in (PROJECT / "environment.yml").read_text()
    makefile = (PROJECT / "Makefile").read_text()
    assert f"version_info < ({least.replace('.', ', ')})" in makefile
    assert f"Python {least} or newer is needed" in makefile


def test_make_alone_lists_every_target() -> None:
    """`help` is the first target, and each target has its line."""
    listed = re.findall(r"^  make (\S+)", make(PROJECT).stdout, re.MULTILINE)
    assert re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE) == listed
    assert "help" == listed[0]


def make(folder: Path, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run make in a folder."""
    program = shutil.which("make")
    assert program, "install make: apt-get install make"
    variables = {"PATH": str(path)} if path else None
    return subprocess.run([program, *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files that `make env` reads, in a folder whose name is awkward."""
    folder = tmp_path / "a (b) c"
    folder.mkdir()
    (folder / "rds_sandbox").mkdir()
    for name in ("Makefile", *PROJECTS, *LOCKS):
        shutil.copy(PROJECT / name, folder / name)
    return folder


@pytest.fixture
def no_python(tmp_path: Path) -> Path:
    """A PATH with the tools that the Makefile uses, and a Python that is too old."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("cat", "cksum"):
        (folder / name).symlink_to(str(shutil.which(name)))
    old = folder / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    return folder


def test_an_old_python_is_told_in_a_sentence(copy: Path, no_python: Path) -> None:
    """The remedy is named, and nothing was made."""
    finished = make(copy, "env", path=no_python)
    assert "Python 3.11 or newer is needed: install it, then repeat make" == finished.stderr.splitlines()[0]
    assert finished.returncode
    assert not (copy / ".venv").exists()


def test_the_environment_is_made_again_only_for_another_lock_or_folder(copy: Path, no_python: Path) -> None:
    """The mark that make leaves holds the folder and the contents of the lock and of each pyproject.toml."""
    content = b"".join((copy / name).read_bytes() for name in (LOCKS[0], *PROJECTS))
    checksum = subprocess.run(["cksum"], input=content, capture_output=True, check=True).stdout.decode()
    (copy / ".venv").mkdir()
    (copy / ".venv" / LOCKS[0]).write_text(f"{copy}\n{checksum}")
    assert 0 == make(copy, "env", path=no_python).returncode
    with (copy / LOCKS[0]).open("a") as file:
        file.write("\n")
    assert 0 != make(copy, "env", path=no_python).returncode
