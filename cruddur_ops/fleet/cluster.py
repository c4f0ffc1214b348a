"""The workers: Dask's, on this machine or behind a scheduler that is there, with the same code, notebooks and targets as here.

WrongInput is raised where they cannot be used, and nothing was started then. Slow to import: 1 s.
"""

import hashlib
import importlib.util
import platform
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from distributed import Client, LocalCluster

from cruddur_ops.aws import LOOPBACK
from cruddur_ops.errors import WrongInput
from cruddur_ops.fleet.waves import fitting
from cruddur_ops.runbook.notebooks import NOTEBOOKS
from cruddur_ops.state import PROJECT
from cruddur_ops.targets import targets_file

RUN_BYTES = 420 << 20  # of a run's process with its fork server and two kernels: measured, see docs/fleet.md
DRAWN = importlib.util.find_spec("bokeh") is not None  # with it Dask's dashboard is drawn
LOCAL = "127.0.0.1:0"
CONNECT_SECONDS = 15
COMPARED = {"the package": PROJECT / "cruddur_ops", "the notebooks": NOTEBOOKS, "sql/": PROJECT / "sql"}


@contextmanager
def workers(scheduler: str, most: int) -> Iterator[tuple[Client, int]]:
    """A client of the workers, and how many runs they take at a time.

    Args:
        scheduler: such as "tls://scheduler:8786"; empty for workers on this machine.
        most: runs at a time.
    """
    with ExitStack() as stack:
        if scheduler:
            client = stack.enter_context(_there(scheduler))
        else:
            client = stack.enter_context(Client(stack.enter_context(_here(most))))
        _require_same(client)
        yield client, min(most, _require_room(client) if scheduler else most)


def _here(most: int) -> LocalCluster:
    """Threads of this process, which wait for the processes of the runs; as many as have room in memory."""
    threads = min(most, fitting(psutil.virtual_memory().available, RUN_BYTES))
    pages = {"dashboard_address": LOCAL, "worker_dashboard_address": LOCAL}  # by default Dask's are there for everybody
    return LocalCluster(n_workers=1, threads_per_worker=threads, processes=False, **pages)


def _there(address: str) -> Client:
    """A client with the certificates that Dask's own configuration names (distributed.comm.tls)."""
    parts = urlsplit(address)
    if parts.scheme != "tls" and not (parts.scheme == "tcp" and parts.hostname in LOOPBACK):
        message = f'"{address[:60]}" is no scheduler for a fleet'
        raise WrongInput(f"{message}: whoever reaches one can run anything, so give tls://HOST:PORT (see docs/fleet.md)")
    try:
        return Client(address, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise WrongInput(f"no scheduler answers at {address} ({error}): start it, or leave out --scheduler") from error


def dashboard(client: Client) -> str:
    """Where Dask shows its work; "" where what it is drawn with is not installed here, and the workers are."""
    if client.cluster:
        return f"http://127.0.0.1:{urlsplit(client.dashboard_link).port}/status" if DRAWN else ""
    return str(client.dashboard_link)


def fingerprint() -> dict[str, str]:
    """What must be the same on all workers: versions, and the digests of files."""
    named = {name: version(name) for name in ("cruddur-ops", "boto3", "psycopg")}
    digests = {name: _digest(folder) for name, folder in COMPARED.items()}
    return {"python": ".".join(platform.python_version_tuple()[:2]), **named, **digests, "targets.toml": _file(targets_file())}


def _digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".ipynb", ".sql", ".j2", ".css"))
    lines = [f"{path.relative_to(folder)} {_file(path)}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _require_same(client: Client) -> None:
    """Refuse workers that would do something else than this machine shows."""
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        client.get_versions(check=True)
        found: Mapping[str, Mapping[str, str]] = client.run(fingerprint)
    except TimeoutError as error:
        raise WrongInput("the scheduler has no worker: start some with `dask worker`, see docs/fleet.md") from error
    except (ValueError, ImportError, AttributeError) as error:
        raise WrongInput(f"the workers have other versions than this machine ({error}): install the same there") from error
    if differing := unlike(fingerprint(), found):
        raise WrongInput(
            f"the workers are not as this machine, and nothing was started ({'; '.join(differing[:5])}): update them"
        )


def unlike(own: Mapping[str, str], found: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What is otherwise on a worker, in a line each."""
    return [
        f"{name} on {worker}: {its.get(name)}, here {value}"
        for worker, its in found.items()
        for name, value in own.items()
        if its.get(name) != value
    ]


def _require_room(client: Client) -> int:
    """How many runs these workers take; refused where one has more threads than there is memory for runs."""
    there = client.scheduler_info(n_workers=-1)["workers"].items()
    for address, one in there:
        room = fitting(one["memory_limit"] or 0, RUN_BYTES) if one["memory_limit"] else one["nthreads"]
        if one["nthreads"] > room:
            message = f"worker {address} has {one['nthreads']} threads, and memory for {room} runs of {RUN_BYTES >> 20} MiB"
            raise WrongInput(f"{message}: start it with --nthreads {room}")
    return sum(one["nthreads"] for _, one in there)
