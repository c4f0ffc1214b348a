"""What squawk says of a file of SQL (https://squawkhq.com), without what `db migrate` sees to by itself."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from cruddur_ops.errors import NotFound

# `db migrate` waits for a lock for some seconds alone, runs each file in a transaction, and not twice.
OURS = ("require-lock-timeout", "require-statement-timeout", "prefer-robust-stmts")


def told(files: Iterable[Path]) -> tuple[str, ...]:
    """Its warnings; where squawk is not installed, that."""
    try:
        return warnings(files)
    except NotFound as error:
        return (str(error),)


def warnings(files: Iterable[Path]) -> tuple[str, ...]:
    """What it warns of in these files; NotFound where it is not installed."""
    paths = [str(path) for path in files]
    if not paths:
        return ()
    command = [str(Path(sys.executable).parent / "squawk"), "--reporter", "json", "--assume-in-transaction"]
    excluded = [f"--exclude={','.join(OURS)}"]
    try:
        done = subprocess.run([*command, *excluded, "--", *paths], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise NotFound("squawk is not installed: `make env` installs it") from error
    if not done.stdout.strip():
        raise NotFound(f"squawk did not answer ({done.stderr.strip()[:200]}): install it anew with `make env`")
    return tuple(_warned(one) for one in json.loads(done.stdout))


def _warned(found: dict[str, object]) -> str:
    """Such as "0002_add_mood.up.sql, line 2: …"; squawk counts lines from 0."""
    message = f"{found['message']} {found['help'] or ''}".strip()
    return f"{Path(str(found['file'])).name}, line {int(str(found['line'])) + 1}: {message} ({found['rule_name']})"
