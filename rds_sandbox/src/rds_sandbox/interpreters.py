"""What runs a function: an interpreter of its runtime's version, and the libraries that the runtime offers."""

import functools
import platform
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from rds_sandbox.errors import NotInSandbox

# boto3 and all that it needs (its distributions' metadata): pure Python, so that every interpreter can import them.
LIBRARIES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
ISOLATED = ("-I", "-S", "-B")  # no PYTHON* variables, no site-packages, no bytecode files in the function's folder
SAY_VERSION = "import sys; print('python%d.%d' % sys.version_info[:2])"


def own_runtime() -> str:
    """The runtime that this process could be, such as python3.13."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def own_architecture() -> str:
    """Lambda's name for the machine's instruction set."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


@functools.cache
def find_interpreter(runtime: str) -> str:
    """The path of an interpreter that is this runtime: our own, else one on PATH that runs."""
    if runtime == own_runtime():
        return sys.executable
    found = shutil.which(runtime)
    if found is None or _version(found) != runtime:
        remedy = f"put {runtime} on PATH before `rds-sandbox up`, or use {own_runtime()}"
        raise NotInSandbox(f"no {runtime} is on this machine, so the sandbox cannot run the function: {remedy}")
    return found


def _version(interpreter: str) -> str:
    """What it says it is: a pyenv shim may be on PATH without anything behind it."""
    done = subprocess.run([interpreter, "-I", "-c", SAY_VERSION], capture_output=True, text=True, check=False, timeout=20)
    return done.stdout.strip()


def library_folder(parent: Path) -> Path:
    """A folder that offers boto3 and nothing else of our packages; made where it is not there yet."""
    folder = parent / "libraries"
    folder.mkdir(exist_ok=True)
    for name in LIBRARIES:
        source, link = _location(name), folder / _location(name).name
        if not link.is_symlink():
            link.symlink_to(source)
    return folder


def _location(name: str) -> Path:
    """The package's folder, or the file of a single module."""
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None, f"{name} is a dependency of boto3"
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin
