"""The extensions of RDS for PostgreSQL, created by the master user.

Amazon RDS for PostgreSQL Release Notes, "Extensions supported for RDS for PostgreSQL"; PostgreSQL 18, appendices F.26 (pgcrypto)
and F.48 (uuid-ossp).
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from rds_sandbox.postgres import standalone

HASHES = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")


@pytest.fixture(scope="module")
def connection() -> Iterator[psycopg.Connection[Any]]:
    """The master user's, to a server with both extensions in a schema that is not searched."""
    with standalone("me", "correct horse", "mine", preloaded=True) as server:
        place = f"host={server.folder} user=me password='correct horse' dbname=mine"
        with psycopg.connect(place, autocommit=True) as made:
            made.execute("CREATE SCHEMA ext")
            made.execute('CREATE EXTENSION "uuid-ossp" SCHEMA ext')
            made.execute("CREATE EXTENSION pgcrypto SCHEMA ext")
            yield made


def value(connection: psycopg.Connection[Any], expression: str, *arguments: Any) -> Any:
    """What the expression comes to."""
    row = connection.execute(sql.SQL("SELECT " + expression), arguments).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("size", [0, 1, 55, 56, 63, 64, 65, 129, 200])
def test_digests(connection: psycopg.Connection[Any], size: int) -> None:
    """digest and hmac are those of every other implementation, at each length where padding differs."""
    data = bytes(range(size))
    for name in HASHES:
        assert hashlib.new(name, data).digest() == value(connection, "ext.digest(%s::bytea, %s::text)", data, name)
        keyed = hmac.new(data, b"text", name).digest()
        assert keyed == value(connection, "ext.hmac('text'::bytea, %s::bytea, %s::text)", data, name)


def test_uuids(connection: psycopg.Connection[Any]) -> None:
    """Versions 3 and 5 follow from the name; 1 has the time; 4 is random."""
    name = "https://example.org/é"
    assert uuid.uuid5(uuid.NAMESPACE_URL, name) == value(connection, "ext.uuid_generate_v5(ext.uuid_ns_url(), %s)", name)
    assert uuid.uuid3(uuid.NAMESPACE_DNS, name) == value(connection, "ext.uuid_generate_v3(ext.uuid_ns_dns(), %s)", name)
    before, *made = uuid.uuid1(), *(value(connection, f"ext.uuid_generate_{which}()") for which in ("v1", "v1mc", "v4"))
    assert [1, 1, 4] == [each.version for each in made]
    assert all(0 < each.time - before.time < 6e8 for each in made[:2])  # a minute, in units of 100 ns
    assert uuid.UUID(int=0) == value(connection, "ext.uuid_nil()")


def test_salts_and_random_bytes(connection: psycopg.Connection[Any]) -> None:
    """crypt is OpenSSL's `passwd -1`, or libxcrypt's bcrypt; random values differ."""
    assert "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/" == value(connection, "ext.crypt('password', '$1$saltsalt$')")
    bcrypt = "$2a$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm"
    assert bcrypt == value(connection, "ext.crypt('password', %s)", bcrypt)
    for salt in ("ext.gen_salt('md5')", "ext.gen_salt('bf', 4)"):
        salted = value(connection, f"ext.crypt('password', {salt})")
        assert salted == value(connection, "ext.crypt('password', %s)", salted)
    assert 100 == len({bytes(value(connection, "ext.gen_random_bytes(16)")) for _ in range(100)})


@pytest.mark.parametrize(
    ("statement", "code", "said"),
    [
        ("SELECT ext.digest('a', 'crc32')", "22023", "No such hash algorithm"),
        ("SELECT ext.gen_random_bytes(2000)", "39000", "Length not in range"),
        ("SELECT ext.gen_salt('bf', 3)", "22023", "Incorrect number of rounds"),
        ("SELECT ext.gen_salt('xdes')", "0A000", "in the sandbox"),
        ("SELECT ext.crypt('a', '_J9..abcd')", "0A000", "in the sandbox"),
        ("SELECT ext.pgp_sym_encrypt('a', 'b')", "0A000", "not in the sandbox"),
        ("CREATE EXTENSION postgis", "0A000", 'the extension "postgis" is on RDS, and not in the sandbox'),
    ],
)
def test_what_is_refused(connection: psycopg.Connection[Any], statement: str, code: str, said: str) -> None:
    """What is wrong as pgcrypto refuses it; what the sandbox lacks says so."""
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(sql.SQL(statement))
    assert (code, True) == (caught.value.sqlstate, said in str(caught.value))


def test_the_rest_is_the_servers_own(connection: psycopg.Connection[Any]) -> None:
    """rds.extensions names what RDS has; what the server ships can be created, trusted by PostgreSQL or not."""
    assert {"postgis", "uuid-ossp", "vector"} <= set(value(connection, "current_setting('rds.extensions')").split(", "))
    for name in ("pg_stat_statements", "pg_trgm", "citext", "hstore", "vector", "postgres_fdw"):
        connection.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(name)))
