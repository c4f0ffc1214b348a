"""The function's zip: the same bytes from the same input, whether its wheels are installed here or fetched."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import tags
from cruddur_ops.cognito import packaging, wheels
from cruddur_ops.cognito.packaging import Package, PackageTooLarge, package, require_fit, zipped
from cruddur_ops.cognito.runtimes import RUNTIMES, Runtime, find
from cruddur_ops.errors import NotOffered, WrongInput
from cruddur_ops.state import PROJECT
from cruddur_ops.targets import Target

TODAY = date(2026, 11, 22)
HERE = Runtime(f"python3.{sys.version_info.minor}", 34, date.max)
NAME, VERSION = "cruddur-example", "1.0"
INFO = "cruddur_example-1.0.dist-info"


def digest(content: bytes) -> str:
    """As RECORD writes it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def make_wheel(folder: Path, tag: str = wheels.PURE) -> Path:
    """A small wheel of this tag (Python Packaging User Guide, "Binary distribution format")."""
    metadata = f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n"
    files = {
        "cruddur_example/__init__.py": b"VALUE = 1\n",
        "cruddur_example/hints.pyi": b"VALUE: int\n",
        f"{INFO}/METADATA": metadata.encode(),
        f"{INFO}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        f"{INFO}/licenses/LICENSE": b"Do as you like.\n",
    }
    record = "".join(f"{name},{digest(content)},{len(content)}\n" for name, content in files.items())
    path = folder / f"cruddur_example-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in {**files, f"{INFO}/RECORD": f"{record}{INFO}/RECORD,,\n".encode()}.items():
            wheel.writestr(name, content)
    return path


EXPECTED = {"cruddur_example/__init__.py", f"{INFO}/METADATA", f"{INFO}/licenses/LICENSE"}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the only index, and a lock of the wheel in it."""
    folder = tmp_path / "index"
    folder.mkdir()
    wheel = make_wheel(folder)
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"{NAME}=={VERSION} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    monkeypatch.setattr(wheels, "LOCK", lock)
    monkeypatch.setenv("CRUDDUR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def installed(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder in which pip has installed the wheel, on this process's path."""
    folder = tmp_path / "site-packages"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), f"{NAME}=={VERSION}"]
    subprocess.run(command, check=True, timeout=120)
    monkeypatch.syspath_prepend(str(folder))
    yield folder


def test_installed_and_fetched_wheels_give_the_same_bytes(index: Path, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an installer adds of its own is left out of both."""
    here = wheels.files(HERE, "x86_64")
    assert not (index.parent / "state" / "wheels").exists()
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(installed)])
    fetched = wheels.files(HERE, "x86_64")
    assert EXPECTED == set(here) == set(fetched)
    assert zipped(here) == zipped(fetched)


def test_fetched_wheels_are_kept(index: Path) -> None:
    """A second time no index is asked."""
    fetched = wheels.files(HERE, "x86_64")
    next(index.glob("*.whl")).unlink()
    assert fetched == wheels.files(HERE, "x86_64")


def test_a_changed_installation_is_not_packed(installed: Path) -> None:
    """A file that is not what RECORD says makes the wheel be fetched."""
    (installed / "cruddur_example" / "__init__.py").write_text("VALUE = 2\n")
    assert b"VALUE = 1\n" == wheels.files(HERE, "x86_64")["cruddur_example/__init__.py"]


def test_another_version_that_is_installed_is_not_packed(installed: Path) -> None:
    """The lock decides."""
    metadata = installed / INFO / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.0\n", "2.0\n"))
    assert EXPECTED == set(wheels.files(HERE, "x86_64"))


def test_a_kept_wheel_that_was_changed_is_fetched_anew(index: Path) -> None:
    """Its hash tells."""
    fetched = wheels.files(HERE, "x86_64")
    kept = next((index.parent / "state").rglob("*.whl"))
    kept.write_bytes(kept.read_bytes()[:-9])
    assert fetched == wheels.files(HERE, "x86_64")


def test_without_an_index_the_error_says_what_was_wanted(index: Path) -> None:
    """One sentence with pip's reason."""
    next(index.glob("*.whl")).unlink()
    with pytest.raises(
        NotOffered, match=f"pip cannot fetch {NAME} 1.0 for {HERE.name} on arm64 .+ connect to a package index once"
    ):
        wheels.files(HERE, "arm64")


def test_a_wheel_with_another_hash_is_refused(index: Path) -> None:
    """Whoever put it on the index."""
    path = next(index.glob("*.whl"))
    with zipfile.ZipFile(path, "a") as wheel:
        wheel.writestr("cruddur_example/more.py", "")
    with pytest.raises(NotOffered, match="pip cannot fetch"):
        wheels.files(HERE, "x86_64")


def test_a_wheel_of_another_machine_is_packed_only_for_the_sandbox(index: Path, installed: Path) -> None:
    """Lambda could not load it; the sandbox runs it with the very Python that has it."""
    tag = installed / INFO / "WHEEL"
    tag.write_text(tag.read_text().replace(wheels.PURE, "cp399-cp399-macosx_11_0_arm64"))
    assert EXPECTED == set(wheels.files(HERE, "arm64", this_python=True))
    next(index.glob("*.whl")).unlink()
    with pytest.raises(NotOffered):
        wheels.files(HERE, "arm64")


def test_the_function_is_locked_at_the_versions_that_are_tested() -> None:
    """The two locks agree; each wheel has a hash, and psycopg's binary part one for each machine of Lambda."""
    lock = {one.name: one for one in wheels.read_lock(wheels.LOCK.read_text())}
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", (PROJECT / "requirements.lock").read_text(), re.MULTILINE))
    assert {"psycopg", "psycopg-binary", "typing-extensions"} == set(lock)
    assert {name: pins[name] for name in lock} == {name: one.version for name, one in lock.items()}
    assert {"psycopg": 1, "psycopg-binary": 7, "typing-extensions": 1} == {name: len(one.hashes) for name, one in lock.items()}


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A target whose function runs on this Python."""
    (tmp_path / "root.pem").write_text("certificates")
    root = str(tmp_path / "root.pem")
    return Target("test", sandbox=True, ssl_root_certificate=root, lambda_runtime=HERE.name, lambda_architecture="x86_64")


def test_the_zip_holds_the_handler_and_what_it_needs(target: Target) -> None:
    """No bytecode, no type hints, no test of anybody's; modes that Lambda can read."""
    packed = package(target)
    with zipfile.ZipFile(io.BytesIO(packed.content)) as file:
        names = {entry.filename for entry in file.infolist()}
        assert {0o644} == {entry.external_attr >> 16 & 0o777 for entry in file.infolist()}
        assert b"certificates" == file.read("root.pem")
    assert {"post_confirmation.py", "confirm.sql", "root.pem", "psycopg/__init__.py", "psycopg_binary/__init__.py"} <= names
    assert [] == [name for name in names if name.endswith((".pyc", ".pyi", "RECORD", "INSTALLER"))]


def test_the_same_input_gives_the_same_bytes(target: Target) -> None:
    """And another certificate others."""
    first = package(target)
    assert first == package(target)
    Path(target.ssl_root_certificate).write_text("others")
    assert first.sha256 != package(target).sha256


@given(st.dictionaries(st.from_regex(r"[a-z]{1,9}(/[a-z]{1,9})?\.py", fullmatch=True), st.binary(max_size=50), max_size=5))
def test_the_order_of_files_does_not_matter(content: dict[str, bytes]) -> None:
    """Nor the time: what comes out is what went in."""
    packed = zipped(content)
    assert packed == zipped(dict(reversed(content.items())))
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        assert content == {name: file.read(name) for name in file.namelist()}


def test_its_size_is_shown_beside_the_limits() -> None:
    """In MB, zipped and unzipped."""
    shown = repr(Package(bytes(3 * packaging.MIB), 5 * packaging.MIB, "python3.13", "arm64"))
    assert "package for python3.13 on arm64: 3.0 MB of 50.0 MB zipped, 5.0 MB of 250.0 MB unzipped" == shown


@pytest.mark.parametrize(("zipped_size", "unzipped"), [(packaging.ZIPPED_LIMIT + 1, 0), (0, packaging.UNZIPPED_LIMIT + 1)])
def test_a_package_that_is_too_large_is_refused(zipped_size: int, unzipped: int) -> None:
    """Before anything is touched, with what to do."""
    with pytest.raises(PackageTooLarge, match="more than Lambda takes: take wheels out of"):
        require_fit(Package(bytes(zipped_size), unzipped, "python3.13", "arm64"))


def test_a_package_at_the_limit_fits() -> None:
    """The limits are the largest that Lambda takes."""
    require_fit(Package(bytes(packaging.ZIPPED_LIMIT), packaging.UNZIPPED_LIMIT, "python3.13", "arm64"))


@pytest.mark.parametrize("name", ["python3.8", "python2.7", "nodejs22.x", "python3", ""])
def test_a_runtime_that_lambda_does_not_offer_is_refused(name: str) -> None:
    """The message names those that it does."""
    with pytest.raises(NotOffered, match=r'the runtime "\S*": set lambda_runtime to one of python3.11, '):
        find(name, "arm64", TODAY)


def test_a_runtime_is_refused_from_the_day_on_which_lambda_blocks_it() -> None:
    """The last day before is still good."""
    last = RUNTIMES[0].blocked - timedelta(days=1)
    assert RUNTIMES[0] == find("python3.11", "x86_64", last)
    with pytest.raises(NotOffered):
        find("python3.11", "x86_64", RUNTIMES[0].blocked)


def test_an_unknown_architecture_is_refused(target: Target) -> None:
    """Exit code 2, before a wheel is looked for."""
    with pytest.raises(WrongInput, match="x86_64 or arm64"):
        package(replace(target, lambda_architecture="aarch64"))


def test_the_default_runtime_is_on_offer() -> None:
    """A target that names none can deploy."""
    assert find(Target("test").lambda_runtime, Target("test").lambda_architecture, tags.today())


def test_platforms_follow_the_c_library() -> None:
    """Amazon Linux 2 takes no wheels of Amazon Linux 2023."""
    old, new = RUNTIMES[0].platforms("arm64"), RUNTIMES[-1].platforms("arm64")
    assert ("manylinux_2_26_aarch64", "manylinux_2_34_aarch64") == (old[0], new[0])
    assert ["manylinux_2_17_aarch64", "manylinux2014_aarch64"] == old[-2:] == new[-2:]
