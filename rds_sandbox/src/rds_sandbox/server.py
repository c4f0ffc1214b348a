"""The sandbox's process, ready once it prints its environment."""

import asyncio
import gc
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import trustme
from werkzeug.serving import BaseWSGIServer, make_server

from rds_sandbox import interpreters, keeper, lookups
from rds_sandbox.callers import OPERATOR_ADDRESS, Callers
from rds_sandbox.errors import PostgresMissing
from rds_sandbox.host import Host, ServerPools
from rds_sandbox.keys import Keys
from rds_sandbox.passing import PassingSelector
from rds_sandbox.postgres.programs import Majors, find_programs

REGION = "ca-central-1"


def environment(url: str, keys: Keys, root_certificate: Path) -> dict[str, str]:
    """The variables that point any AWS client and any Postgres client at the sandbox."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": keys.owner.key_id,
        "AWS_SECRET_ACCESS_KEY": keys.owner.secret,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "PGSSLROOTCERT": str(root_certificate),
        "RDS_SANDBOX_TOKEN": keys.control,
        "RDS_SANDBOX_OPERATOR_ADDRESS": OPERATOR_ADDRESS,
        "RDS_SANDBOX_CHECKIP_URL": f"{url}/_sandbox/checkip",
        "RDS_SANDBOX_LAMBDA_RUNTIME": interpreters.own_runtime(),
        "RDS_SANDBOX_LAMBDA_ARCHITECTURE": interpreters.own_architecture(),
    }


def create_host(root: Path) -> Host:
    """What the machines share; the gateways' event loop runs in a thread."""
    programs = find_programs(root)
    loop = asyncio.SelectorEventLoop(PassingSelector())
    threading.Thread(target=loop.run_forever, name="gateways", daemon=True).start()
    authority = trustme.CA(organization_name="rds-sandbox")
    return Host(root, programs, authority, Callers(), loop, ServerPools(root, Majors(programs, root)))


def create_server(host: Host) -> BaseWSGIServer:
    """The HTTP server: moto with our patches, on a free port of 127.0.0.1 alone.

    moto is imported here: that takes a second, in which the first server is initialised.
    """
    os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"  # moto reads it when it is imported
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # AWS's own, which cost it 0.1 s when IAM is used first
    lookups.keep_data_files()
    from moto.moto_server.werkzeug_app import MotoRequestHandler

    from rds_sandbox import patches
    from rds_sandbox.app import create_app

    lookups.keep_names()
    patches.install(host)
    server = make_server("127.0.0.1", 0, create_app(host), threaded=True, request_handler=MotoRequestHandler)
    host.url = f"http://127.0.0.1:{server.server_port}"
    gc.freeze()  # all of this stays
    gc.set_threshold(50_000)  # an answer is many objects, and hardly one of them is garbage
    gc.enable()
    return server


def end_on_request(server: BaseWSGIServer) -> None:
    """Shut down on SIGTERM, SIGINT, and when whoever started us closes our standard input."""

    def end(*_: Any) -> None:
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    if not os.path.samestat(os.fstat(0), os.stat(os.devnull)):  # noqa: PTH116 - Path has no stat of a descriptor
        threading.Thread(target=lambda: end(sys.stdin.read()), daemon=True).start()


def start_keeper(root: Path) -> subprocess.Popen[bytes]:
    """The process that tidies up after us; our end of its input closes with us, even by kill -9."""
    command = [sys.executable, "-P", "-c", f"from {keeper.__name__} import main; main()", str(root)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def empty(host: Host) -> None:
    """End every server."""
    from moto.moto_api._internal.models import moto_api_backend

    moto_api_backend.reset()
    host.pools.close()


def _take_long_turns() -> None:
    """Let neither this process nor a server interrupt whoever wakes it (sched(7)): a query then takes less of a busy machine."""
    if sys.platform == "linux":
        with suppress(OSError):  # where a container does not allow it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def main() -> None:
    """Serve until told to end, then leave nothing behind."""
    root = Path(sys.argv[1])
    _take_long_turns()
    os.umask(0o022)  # PostgreSQL's account reads some of our files; the folder around them keeps others out
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    watching = start_keeper(root)
    try:
        host = create_host(root)
    except PostgresMissing as error:
        print(json.dumps({"postgres": str(error)}), flush=True)
        raise SystemExit(1) from error
    root_certificate = root / "root.pem"
    host.authority.cert_pem.write_to_path(str(root_certificate))
    server = create_server(host)
    end_on_request(server)
    url = f"http://127.0.0.1:{server.server_port}"
    told = environment(url, host.keys, root_certificate)
    print(json.dumps({"pid": os.getpid(), "root": str(root), "environment": told}), flush=True)
    os.dup2(2, 1)  # whoever started us reads one line: what moto prints from here on goes to the log
    server.serve_forever(poll_interval=0.05)
    empty(host)
    keeper.tidy(root)
    logging.shutdown()
    del watching
