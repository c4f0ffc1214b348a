"""The README's transcript of `make run`: taken from a real run, and compared with one.

`python -m tests.notebooks.transcript` runs the notebooks, and puts what that printed into the README.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from cruddur_ops.state import PROJECT

README = PROJECT / "README.md"
BLOCK = re.compile(r"(?<=<!-- transcript -->\n```console\n\$ make run\n).*?(?=```\n)", re.DOTALL)
# What differs from run to run: seconds, the folder's date, the seal.
VARYING = ((r" +\d+\.\d(?= )", " 0.0"), (r"\d{8}T\d{6}Z", "DATE"), (r"seal [0-9a-f]{12}", "seal SEAL"))


def committed() -> str:
    """What the README shows."""
    found = BLOCK.search(README.read_text(encoding="utf-8"))
    assert found, "the README has no transcript"
    return found[0]


def settled(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, constant in VARYING:
        text = re.sub(pattern, constant, text)
    return text


def shown(stderr: str, stdout: str, folder: Path = PROJECT) -> str:
    """What a person sees of a run on a terminal at its end; paths relative to the folder that has runs/."""
    first = stderr.splitlines()[0]
    return f"{first}\n{stdout}".replace(f"{folder}/", "")


def main() -> None:
    """Run, and rewrite the README."""
    done = subprocess.run([sys.executable, "-m", "cruddur_ops", "run"], capture_output=True, text=True, check=True, cwd=PROJECT)
    text = BLOCK.sub(lambda _: shown(done.stderr, done.stdout), README.read_text(encoding="utf-8"))
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
