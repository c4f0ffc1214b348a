"""The kind of a statement, in the place of its text: a text may hold a password, or somebody's data."""

import re

HIDDEN = "<insufficient privilege>"  # pg_stat_activity's text for a session that one may not look into
OTHER = "other"
# The first words of PostgreSQL's commands, and what three of these define (PostgreSQL 18, reference, I. SQL Commands).
DEFINING = "ALTER|CREATE|DROP"
COMMANDS = (
    f"{DEFINING}|ABORT|ANALYZE|BEGIN|CALL|CHECKPOINT|CLOSE|CLUSTER|COMMENT|COMMIT|COPY|DEALLOCATE|DECLARE|DELETE|DISCARD|DO|END"
    "|EXECUTE|EXPLAIN|FETCH|GRANT|IMPORT|INSERT|LISTEN|LOAD|LOCK|MERGE|MOVE|NOTIFY|PREPARE|REASSIGN|REFRESH|REINDEX|RELEASE"
    "|RESET|REVOKE|ROLLBACK|SAVEPOINT|SECURITY|SELECT|SET|SHOW|START|TABLE|TRUNCATE|UNLISTEN|UPDATE|VACUUM|VALUES|WITH"
)
OBJECTS = (
    "AGGREGATE|CAST|COLLATION|CONVERSION|DATABASE|DOMAIN|EXTENSION|FUNCTION|GROUP|INDEX|LANGUAGE|OPERATOR|OWNED|POLICY|PROCEDURE"
    "|PUBLICATION|ROLE|ROUTINE|RULE|SCHEMA|SEQUENCE|SERVER|STATISTICS|SUBSCRIPTION|SYSTEM|TABLE|TABLESPACE|TRIGGER|TYPE|USER|VIEW"
)
KIND = re.compile(
    r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
    rf"(?:({DEFINING})\b(?:\W+[a-z]+){{0,2}}?\W+({OBJECTS})\b|({COMMANDS})\b)",
    re.DOTALL | re.IGNORECASE | re.ASCII,
)


def statement_kind(text: str) -> str:
    """Such as "SELECT" or "ALTER ROLE", made of nothing but PostgreSQL's own words; "other" where it begins with none."""
    if text in ("", HIDDEN):
        return ""
    found = KIND.match(text)
    return " ".join(filter(None, found.groups())).upper() if found else OTHER
