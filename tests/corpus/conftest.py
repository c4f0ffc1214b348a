"""The databases of tests/database, for files as people have them."""

from tests.database.conftest import at, empty, files, seeded, server, shared_database, target, templates, unchanged, unlocked

__all__ = ["at", "empty", "files", "seeded", "server", "shared_database", "target", "templates", "unchanged", "unlocked"]
