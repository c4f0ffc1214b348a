"""What every kernel needs. The fork server imports this module, and forks each kernel with all of it in place.

No thread may run there: a fork copies only the one that forks (fork(2)).
"""

import importlib
import os
import sys
from contextlib import suppress

from cruddur_ops import garbage
from cruddur_ops.aws import sessions

MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "boto3",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "rds_sandbox",
    "sqlalchemy.dialects.postgresql",
    "tqdm",
    "sqlglot.dialects.postgres",
    *(f"cruddur_ops.{name}" for name in ("rds", "database", "network", "activities", "cognito", "preflight", "magics")),
)

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy, which pandas brings, would start threads
sys.modules["debugpy"] = None  # type: ignore[assignment]  # ipykernel can do without, and starts sooner
for module in MODULES:
    with suppress(ImportError):  # the kernel or the cell that needs it will say so
        importlib.import_module(module)
sessions.read_models()
garbage.settle()  # no kernel need look through all of this, and have copies of its pages
