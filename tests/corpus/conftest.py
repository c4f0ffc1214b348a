"""The databases of tests/database, for files as people have them."""

from tests.database.conftest import at, empty, files, seeded, server, target, templates, unlocked

__all__ = ["at", "empty", "files", "seeded", "server", "target", "templates", "unlocked"]
