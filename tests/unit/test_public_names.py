"""The package's own namespace."""

from __future__ import annotations

import subprocess
import sys

import pytest

import cruddur_ops


def test_public_names_are_there() -> None:
    """Every name of __all__ can be imported, and completion offers them."""
    assert all(getattr(cruddur_ops, name) is not None for name in cruddur_ops.__all__)
    assert sorted(cruddur_ops.__all__) == dir(cruddur_ops)


def test_unknown_name() -> None:
    """Another name is missing as in any module."""
    with pytest.raises(AttributeError, match="no attribute 'nothing_like_it'"):
        _ = cruddur_ops.nothing_like_it


def test_importing_the_package_imports_nothing_else() -> None:
    """The import brings in none of the heavy libraries."""
    heavy = "{'boto3', 'botocore', 'IPython', 'pandas', 'psycopg', 'sqlalchemy'}"
    code = f"import sys, cruddur_ops; print(sorted({heavy} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout
