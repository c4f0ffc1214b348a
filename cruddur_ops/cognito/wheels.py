"""The files of the locked wheels: from this Python, where it has installed the very same ones, else from an index."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import io
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cruddur_ops import progress
from cruddur_ops.cognito.runtimes import Runtime
from cruddur_ops.errors import NotOffered
from cruddur_ops.state import state_folder

LOCK = Path(__file__).parent.parent / "lambdas" / "requirements.txt"
PURE = "py3-none-any"
Files = dict[str, bytes]


@dataclass(frozen=True)
class Requirement:
    """A line of the lock: a distribution, its version, and the SHA-256 of each of its wheels, in hexadecimal."""

    name: str
    version: str
    hashes: frozenset[str]


def read_lock(text: str) -> list[Requirement]:
    """The lines of a requirements file in which every version and every hash is given."""
    lines = [shlex.split(line, comments=True) for line in text.replace("\\\n", " ").splitlines()]
    return [_requirement(*words) for words in lines if words]


def _requirement(pin: str, *options: str) -> Requirement:
    name, _, version = pin.partition("==")
    return Requirement(name, version, frozenset(option.removeprefix("--hash=sha256:") for option in options))


def files(runtime: Runtime, architecture: str, *, this_python: bool = False) -> Files:
    """What is packed beside the handler, by path.

    Args:
        runtime: for which the wheels are.
        architecture: Lambda's name of it.
        this_python: whether the function will run on this very machine's Python, as in the sandbox: then
            what is installed here will do, also where Lambda could not use it.

    Raises:
        NotOffered: there are no such wheels, or the index cannot be reached.
    """
    tags = {PURE, *(f"{runtime.interpreter}-{runtime.interpreter}-{platform}" for platform in runtime.platforms(architecture))}
    found: Files = {}
    missing = []
    for requirement in read_lock(LOCK.read_text(encoding="utf-8")):
        installed = _installed(requirement, tags, any_tag=this_python and running(runtime))
        missing += [] if installed else [requirement]
        found |= installed
    for requirement in missing:
        found |= _from_wheel(_wheel(requirement, runtime, architecture))
    return found


def running(runtime: Runtime) -> bool:
    """Whether the runtime's Python is that of this process."""
    return runtime.interpreter == f"cp{sys.version_info.major}{sys.version_info.minor}"


def _installed(requirement: Requirement, tags: set[str], *, any_tag: bool) -> Files:
    """The files of the installed distribution, checked against its RECORD; none where it is another wheel."""
    try:
        distribution = importlib.metadata.distribution(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return {}
    own = set(re.findall(r"^Tag: (\S+)", distribution.read_text("WHEEL") or "", re.MULTILINE))
    if distribution.version != requirement.version or not (own & tags or any_tag):
        return {}
    found = {}
    for path in distribution.files or ():
        if shipped(str(path)):
            content = Path(str(path.locate())).read_bytes() if Path(str(path.locate())).is_file() else b""
            if path.hash is None or _digest(path.hash.mode, content) != path.hash.value:
                return {}  # somebody changed it
            found[str(path)] = content
    return found


def _digest(algorithm: str, content: bytes) -> str:
    """As RECORD writes it (Python Packaging User Guide, "Recording installed projects")."""
    return base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()


def shipped(path: str) -> bool:
    """Whether a file of a wheel goes into the zip: not what an installer writes or reads alone, nor type hints."""
    if ".dist-info/" in path:
        return path.endswith("/METADATA") or "/licenses/" in path
    return not path.endswith((".pyc", ".pyi")) and not path.startswith("..")


def _wheel(requirement: Requirement, runtime: Runtime, architecture: str) -> bytes:
    """The wheel, from those that were fetched before, else from the index."""
    folder = state_folder() / "wheels" / f"{runtime.name}-{architecture}"
    found = next(_known(requirement, folder), None)
    if found is None:
        with progress.waiting(f"{requirement.name} {requirement.version}") as show:
            show("downloading")
            _download(requirement, runtime, architecture, folder)
        found = next(_known(requirement, folder), None)
    if found is None:
        raise NotOffered(f"pip fetched another {requirement.name} than the locked one: check the package index")
    return found


def _known(requirement: Requirement, folder: Path) -> Iterator[bytes]:
    for path in folder.glob("*.whl"):
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() in requirement.hashes:
            yield content


def _download(requirement: Requirement, runtime: Runtime, architecture: str, folder: Path) -> None:
    """Let pip fetch the wheel of this runtime; it checks the hash."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / f"{requirement.name}.txt"
    hashes = " ".join(f"--hash=sha256:{one}" for one in sorted(requirement.hashes))
    lock.write_text(f"{requirement.name}=={requirement.version} {hashes}\n")
    platforms = [option for tag in runtime.platforms(architecture) for option in ("--platform", tag)]
    wanted = ["--implementation", "cp", "--abi", runtime.interpreter, "--python-version", runtime.name.removeprefix("python")]
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", *wanted, *platforms]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), "--requirement", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no pip"])[-1]
        what = f"{requirement.name} {requirement.version} for {runtime.name} on {architecture}"
        raise NotOffered(f"pip cannot fetch {what} ({said}): connect to a package index once, or set another lambda_runtime")


def _from_wheel(content: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        names = [name for name in wheel.namelist() if shipped(name) and not name.endswith("/")]
        return {name: wheel.read(name) for name in names}
