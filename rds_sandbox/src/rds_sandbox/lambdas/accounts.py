"""Under which account functions run: where root serves, under one that owns nothing but what they write."""

import functools
import logging
import os
import pwd
import random
import shutil
import subprocess
from pathlib import Path

from rds_sandbox import interpreters
from rds_sandbox.lambdas import runtime
from rds_sandbox.postgres.programs import Account

log = logging.getLogger(__name__)

IDS = range(61184, 65520)  # for users that come and go, in no passwd file (systemd, "Users, Groups, UIDs and GIDs on systemd")
LOOK = "import sys; open(sys.argv[1]).close(); sys.path.append(sys.argv[2]); import ssl, botocore"


@functools.cache
def runner(name: str, libraries: Path) -> tuple[str, Account]:
    """The interpreter of a runtime, and the account to run it under.

    Where root's own interpreter is out of the account's reach, as in root's home, the system's takes its place. Where that
    is none of this version either, functions run as root.

    Args:
        name: of the runtime.
        libraries: the folder of those that the runtime offers.
    """
    own = interpreters.find_interpreter(name)
    if os.geteuid() != 0:
        return own, Account(os.geteuid(), os.getegid())
    account = _account()
    for interpreter in filter(None, (own, shutil.which(name, path=os.defpath))):
        if account and _runs(interpreter, account, libraries):
            return interpreter, account
    log.warning("functions of %s run as root: no account that owns nothing can run %s", name, own)
    return own, Account(0, 0)


@functools.cache
def _account() -> Account | None:
    """One that nobody has."""
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    free = [number for number in IDS if number not in taken]
    number = random.choice(free) if free else 0
    return Account(number, number) if number else None


def _runs(interpreter: str, account: Account, libraries: Path) -> bool:
    command = [interpreter, *interpreters.ISOLATED, "-c", LOOK, str(runtime.__file__), str(libraries)]
    try:
        return subprocess.run(command, capture_output=True, timeout=20, check=False, cwd="/", **account.switch).returncode == 0
    except (OSError, ValueError, subprocess.SubprocessError):  # a container that does not have such numbers
        return False
