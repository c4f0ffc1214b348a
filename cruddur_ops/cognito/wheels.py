"""The files of the locked wheels, for a runtime of Lambda: fetched with pip once, and checked against the lock at each use.

In the sandbox, where the function runs with this machine's Python, the installed ones of the locked versions will do: also
where Lambda could not use them, and without a package index. What cannot be had is WrongInput.
"""

import hashlib
import importlib.metadata
import io
import re
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

from cruddur_ops import progress
from cruddur_ops.errors import WrongInput
from cruddur_ops.state import state_folder

LOCK = Path(__file__).parent.parent / "lambdas" / "requirements.txt"
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
OLDEST_GLIBC = 17  # the oldest 2.x that a platform tag of a wheel names (PEP 600)
# The minor of the C library 2.x, and the day from which on Lambda creates no function with the runtime. Source: AWS Lambda
# Developer Guide, "Lambda runtimes" (operating system, "Block function create"), read in November 2026; no API tells these.
RUNTIMES = {
    "python3.11": (26, date(2027, 7, 31)),
    "python3.12": (34, date(2028, 11, 30)),
    "python3.13": (34, date(2029, 7, 31)),
    "python3.14": (34, date(2029, 7, 31)),
}
Files = dict[str, bytes]


def require_offered(runtime: str, architecture: str, on: date) -> None:
    """Refuse what Lambda does not offer, or no longer."""
    if architecture not in MACHINES:
        raise WrongInput(f'Lambda has no architecture "{architecture}": set lambda_architecture to x86_64 or arm64')
    offered = [name for name, (_, blocked) in RUNTIMES.items() if on < blocked]
    if runtime not in offered:
        remedy = f"set lambda_runtime to one of {', '.join(offered)}"
        raise WrongInput(f'Lambda creates no functions with the runtime "{runtime}": {remedy}')


def files(runtime: str, architecture: str, *, this_python: bool = False) -> Files:
    """What is packed beside the handler, by path; `this_python` where the function will run on this very machine."""
    versions, hashes = locked()
    if this_python and runtime == f"python3.{sys.version_info.minor}" and versions == _installed(versions):
        paths = [path for name in versions for path in importlib.metadata.files(name) or () if shipped(str(path))]
        return {str(path): path.read_binary() for path in paths}
    folder = state_folder() / "wheels" / f"{runtime}-{architecture}"
    found = _wheels(folder, hashes)
    if len(found) < len(versions):
        _download(runtime, architecture, folder)
        found = _wheels(folder, hashes)
    return {path: content for wheel in found for path, content in _unpacked(wheel).items()}


def locked() -> tuple[dict[str, str], set[str]]:
    """The versions of the lock by name, and the SHA-256 of all its wheels."""
    text = LOCK.read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w-]+)==(\S+)", text, re.MULTILINE)), set(re.findall(r"--hash=sha256:(\w+)", text))


def shipped(path: str) -> bool:
    """Whether a file of a wheel goes into the zip: not what an installer writes or reads alone, nor type hints."""
    if ".dist-info/" in path and not path.endswith("/METADATA") and "/licenses/" not in path:
        return False
    return not path.endswith((".pyc", ".pyi", "/")) and not path.startswith("..")


def _installed(names: dict[str, str]) -> dict[str, str]:
    distributions = {name: next(iter(importlib.metadata.distributions(name=name)), None) for name in names}
    return {name: found.version for name, found in distributions.items() if found}


def _wheels(folder: Path, hashes: set[str]) -> list[bytes]:
    contents = [path.read_bytes() for path in sorted(folder.glob("*.whl"))]
    return [content for content in contents if hashlib.sha256(content).hexdigest() in hashes]


def _unpacked(wheel: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(wheel)) as file:
        return {name: file.read(name) for name in file.namelist() if shipped(name)}


def platforms(runtime: str, architecture: str) -> list[str]:
    """The platform tags of the wheels that run there, the most demanding first (PEP 600)."""
    minors = range(RUNTIMES[runtime][0], OLDEST_GLIBC - 1, -1)
    return [f"manylinux_2_{minor}_{MACHINES[architecture]}" for minor in minors] + [f"manylinux2014_{MACHINES[architecture]}"]


def _download(runtime: str, architecture: str, folder: Path) -> None:
    """Let pip fetch the wheels; it checks their hashes, and takes another one of the folder only if it has one of those."""
    version = runtime.removeprefix("python")
    wanted = ["--implementation", "cp", "--abi", f"cp{version.replace('.', '')}", "--python-version", version]
    tags = [option for tag in platforms(runtime, architecture) for option in ("--platform", tag)]
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", *wanted, *tags]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), "--requirement", str(LOCK)]
    with progress.waiting("wheels of the function"):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no pip"])[-1]
        remedy = "connect to a package index once, or set another lambda_runtime"
        raise WrongInput(f"pip cannot fetch the function's wheels for {runtime} on {architecture} ({said}): {remedy}")
