"""The kind of a statement, in the place of its text: a text may hold a password, or somebody's data."""

from __future__ import annotations

import re

HIDDEN = "<insufficient privilege>"  # pg_stat_activity's text for a session that one may not look into
OTHER = "other"
# The first words of PostgreSQL's commands (PostgreSQL 18, reference, I. SQL Commands).
COMMANDS = frozenset({
    "ABORT", "ALTER", "ANALYZE", "BEGIN", "CALL", "CHECKPOINT", "CLOSE", "CLUSTER", "COMMENT", "COMMIT", "COPY",
    "CREATE", "DEALLOCATE", "DECLARE", "DELETE", "DISCARD", "DO", "DROP", "END", "EXECUTE", "EXPLAIN", "FETCH",
    "GRANT", "IMPORT", "INSERT", "LISTEN", "LOAD", "LOCK", "MERGE", "MOVE", "NOTIFY", "PREPARE", "REASSIGN",
    "REFRESH", "REINDEX", "RELEASE", "RESET", "REVOKE", "ROLLBACK", "SAVEPOINT", "SECURITY", "SELECT", "SET", "SHOW",
    "START", "TABLE", "TRUNCATE", "UNLISTEN", "UPDATE", "VACUUM", "VALUES", "WITH",
})  # fmt: skip
DEFINING = frozenset({"ALTER", "CREATE", "DROP"})
OBJECTS = frozenset({
    "AGGREGATE", "CAST", "COLLATION", "CONVERSION", "DATABASE", "DOMAIN", "EXTENSION", "FUNCTION", "GROUP", "INDEX",
    "LANGUAGE", "OPERATOR", "OWNED", "POLICY", "PROCEDURE", "PUBLICATION", "ROLE", "ROUTINE", "RULE", "SCHEMA",
    "SEQUENCE", "SERVER", "STATISTICS", "SUBSCRIPTION", "SYSTEM", "TABLE", "TABLESPACE", "TRIGGER", "TYPE", "USER",
    "VIEW",
})  # fmt: skip
BEFORE = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
WORD = re.compile(r"[A-Za-z]+")
WORDS_OF_A_KIND = 4  # CREATE UNLOGGED MATERIALIZED VIEW


def statement_kind(text: str) -> str:
    """Such as "SELECT" or "ALTER ROLE", made of nothing but PostgreSQL's own words; "other" where it begins with none."""
    if text in ("", HIDDEN):
        return ""
    start = BEFORE.match(text)
    words = [word.upper() for word in WORD.findall(text, start.end() if start else 0)[:WORDS_OF_A_KIND]]
    if not words or words[0] not in COMMANDS:
        return OTHER
    what = next((word for word in words[1:] if word in OBJECTS), "") if words[0] in DEFINING else ""
    return f"{words[0]} {what}".strip()
