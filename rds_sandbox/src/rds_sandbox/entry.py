"""Where the sandbox's process begins: what its environment lacks is told before anything of it is imported."""

import gc
import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

EXTRA = re.compile(r"""(?P<name>[\w.-]+)[^;]*?(==(?P<pin>[\w.]+))?\s*;.*extra == ['"]server['"]""")


def main() -> None:
    """Serve, as `ROOT VERSION` says: the sandbox's folder, and the version of whoever started us."""
    problem = lack(sys.argv[2])
    if problem:
        print(json.dumps({"installation": problem}), flush=True)
        raise SystemExit(1)
    gc.disable()  # until all is imported: it would look through all of that again and again
    from rds_sandbox import server

    server.main()


def lack(wanted: str) -> str:
    """What is wrong with this environment, in a sentence; empty where nothing is."""
    remedy = f"`{sys.executable} -m pip install 'rds-sandbox[server]=={wanted}'`"
    if version("rds-sandbox") != wanted:
        return f"{sys.executable} has rds-sandbox {version('rds-sandbox')}, and {wanted} asks for its server: {remedy}"
    missing = list(_missing())
    return f"the sandbox's server lacks {', '.join(missing)}: {remedy}" if missing else ""


def _missing() -> Iterator[str]:
    """What the extra `server` asks for and is not there, or, where it is pinned, not at that version."""
    for found in filter(None, map(EXTRA.match, requires("rds-sandbox") or [])):
        name, pin = found["name"], found["pin"]
        try:
            if pin in (None, version(name)):
                continue
        except PackageNotFoundError:
            pass
        yield f"{name} {pin}" if pin else name
