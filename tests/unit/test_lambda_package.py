"""The function's zip: the same bytes from the same input, whether its wheels are installed here or fetched."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cruddur_ops import tags
from cruddur_ops.cognito import packaging, wheels
from cruddur_ops.cognito.packaging import Package, package, require_fit, zipped
from cruddur_ops.errors import WrongInput
from cruddur_ops.state import PROJECT
from cruddur_ops.target import Target

TODAY = date(2026, 11, 22)
HERE = f"python3.{sys.version_info.minor}"
NAME, VERSION = "cruddur-example", "1.0"
INFO = "cruddur_example-1.0.dist-info"


def digest(content: bytes) -> str:
    """As RECORD writes it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def make_wheel(folder: Path, tag: str = "py3-none-any") -> Path:
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
        wheel.mkdir(f"{INFO}/licenses")  # some builders list folders, too
    return path


EXPECTED = {"cruddur_example/__init__.py", f"{INFO}/METADATA", f"{INFO}/licenses/LICENSE"}


def lock(wheel: Path) -> None:
    """Lock the function at this very wheel."""
    wheels.LOCK.write_text(f"{NAME}=={VERSION} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel for everybody."""
    return make_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def index(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the only index, and a lock of the wheel in it."""
    folder = tmp_path / "index"
    shutil.copytree(wheel.parent, folder)
    monkeypatch.setattr(wheels, "LOCK", tmp_path / "requirements.txt")
    lock(wheel)
    monkeypatch.setenv("CRUDDUR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture(scope="module")
def by_pip(wheel: Path) -> Path:
    """The folder into which pip has installed the wheel."""
    folder = wheel.parent.with_name("site-packages")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(folder), str(wheel)]
    subprocess.run(command, check=True, timeout=120)
    return folder


@pytest.fixture
def installed(by_pip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, on this process's path."""
    folder = tmp_path / "site-packages"
    shutil.copytree(by_pip, folder)
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_installed_and_fetched_wheels_give_the_same_bytes(index: Path, installed: Path) -> None:
    """What an installer adds of its own is left out of both; without an index, the sandbox has the installed ones."""
    fetched = wheels.files(HERE, "x86_64")
    shutil.rmtree(index)
    shutil.rmtree(index.parent / "state" / "wheels")
    here = wheels.files(HERE, "x86_64", this_python=True)
    assert EXPECTED == set(here) == set(fetched)
    assert zipped(here) == zipped(fetched)


def test_fetched_wheels_are_kept(index: Path) -> None:
    """A second time no index is asked; but where one was changed it is fetched anew: its hash tells."""
    fetched = wheels.files(HERE, "x86_64")
    [offered], [kept] = index.glob("*.whl"), (index.parent / "state").rglob("*.whl")
    content = offered.read_bytes()
    offered.unlink()
    assert fetched == wheels.files(HERE, "x86_64")
    offered.write_bytes(content)
    kept.write_bytes(content[:-9])
    assert fetched == wheels.files(HERE, "x86_64")


def test_another_version_that_is_installed_is_not_packed(index: Path, installed: Path) -> None:
    """The lock decides, in the sandbox too; a function on Lambda never gets what is installed here."""
    (installed / "cruddur_example" / "__init__.py").write_text("VALUE = 2\n")
    metadata = installed / INFO / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.0\n", "2.0\n"))
    for this_python in (True, False):
        assert b"VALUE = 1\n" == wheels.files(HERE, "x86_64", this_python=this_python)["cruddur_example/__init__.py"]


def test_without_an_index_the_error_says_what_was_wanted(index: Path) -> None:
    """One sentence with pip's reason."""
    next(index.glob("*.whl")).unlink()
    with pytest.raises(WrongInput, match=rf"wheels for {HERE} on arm64 \(.*{NAME}.*\): connect to a package index once"):
        wheels.files(HERE, "arm64")


def test_a_wheel_with_another_hash_is_refused(index: Path) -> None:
    """Whoever put it on the index."""
    path = next(index.glob("*.whl"))
    with zipfile.ZipFile(path, "a") as wheel:
        wheel.writestr("cruddur_example/more.py", "")
    with pytest.raises(WrongInput, match="pip cannot fetch"):
        wheels.files(HERE, "x86_64")


@pytest.mark.parametrize(
    ("runtime", "glibc", "architecture", "machine"),
    [
        ("python3.11", 26, "x86_64", "x86_64"),
        pytest.param("python3.14", 34, "arm64", "aarch64", marks=pytest.mark.thorough),
    ],
)
def test_a_runtime_gets_the_wheels_that_run_on_it(index: Path, runtime: str, glibc: int, architecture: str, machine: str) -> None:
    """Those of its interpreter and machine, for a C library that is not newer than its own: Amazon Linux 2 has 2.26."""
    interpreter = runtime.replace("python3.", "cp3")
    fitting, newer = (
        make_wheel(index, f"{interpreter}-{interpreter}-manylinux_2_{minor}_{machine}") for minor in (glibc, glibc + 1)
    )
    lock(newer)
    with pytest.raises(WrongInput):
        wheels.files(runtime, architecture)
    lock(fitting)
    assert EXPECTED == set(wheels.files(runtime, architecture))


def test_the_function_is_locked_at_the_versions_that_are_tested() -> None:
    """The two locks agree; each wheel has a hash, and psycopg's binary part one for each machine of Lambda."""
    versions, hashes = wheels.locked()
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", (PROJECT / "requirements.lock").read_text(), re.MULTILINE))
    assert {"psycopg", "psycopg-binary", "typing-extensions"} == set(versions)
    assert {name: pins[name] for name in versions} == versions
    assert 1 + 7 + 1 == len(hashes)


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A target whose function runs on this Python."""
    (tmp_path / "root.pem").write_text("certificates")
    root = str(tmp_path / "root.pem")
    return Target("test", sandbox=True, ssl_root_certificate=root, lambda_runtime=HERE, lambda_architecture="x86_64")


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
    with pytest.raises(WrongInput, match="more than Lambda takes: take wheels out of"):
        require_fit(Package(bytes(zipped_size), unzipped, "python3.13", "arm64"))


def test_a_package_at_the_limit_fits() -> None:
    """The limits are the largest that Lambda takes."""
    require_fit(Package(bytes(packaging.ZIPPED_LIMIT), packaging.UNZIPPED_LIMIT, "python3.13", "arm64"))


@pytest.mark.parametrize("name", ["python3.8", "python2.7", "nodejs22.x", "python3", ""])
def test_a_runtime_that_lambda_does_not_offer_is_refused(name: str) -> None:
    """The message names those that it does."""
    with pytest.raises(WrongInput, match=r'the runtime "\S*": set lambda_runtime to one of python3.11, '):
        wheels.require_offered(name, "arm64", TODAY)


def test_a_runtime_is_refused_from_the_day_on_which_lambda_blocks_it() -> None:
    """The last day before is still good."""
    blocked = wheels.RUNTIMES["python3.11"][1]
    wheels.require_offered("python3.11", "x86_64", blocked - timedelta(days=1))
    with pytest.raises(WrongInput):
        wheels.require_offered("python3.11", "x86_64", blocked)


def test_an_unknown_architecture_is_refused(target: Target) -> None:
    """Exit code 2, before a wheel is looked for."""
    with pytest.raises(WrongInput, match="x86_64 or arm64"):
        package(replace(target, lambda_architecture="aarch64"))


def test_the_default_runtime_is_on_offer() -> None:
    """A target that names none can deploy."""
    wheels.require_offered(Target("test").lambda_runtime, Target("test").lambda_architecture, tags.today())
