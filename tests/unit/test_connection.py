"""Connection URLs, and the root certificates for TLS."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from cruddur_ops import targets
from cruddur_ops.database import certificates
from cruddur_ops.database.location import Location, database_name, escaped, from_url, locate
from cruddur_ops.errors import NotFound, WrongInput
from cruddur_ops.state import state_folder
from cruddur_ops.target import Target

SECRET = "s3cr3t-w0rd"
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


def read(url: str, database: str | None = None) -> Location:
    """The location that a URL means."""
    return from_url(url, database, "cruddur", "environment CONNECTION_URL")


@given(user=words, password=words, name=words)
def test_any_user_password_and_name_survive(user: str, password: str, name: str) -> None:
    """What SQLAlchemy renders into a URL is what libpq is given, whatever the characters."""
    url = URL.create("postgresql", user, password, "db.example.com", 6543, name)

    location = read(url.render_as_string(hide_password=False))

    expected = {"user": user, "password": password, "host": "db.example.com", "port": "6543", "dbname": name}
    assert expected == location.parameters


@given(words)
def test_password_is_never_shown(password: str) -> None:
    """Text and repr of a location are those of a location with another password."""
    url = URL.create("postgresql", "u", password, "h", 1, "d", {"sslpassword": SECRET})
    found = read(url.render_as_string(hide_password=False))
    other = read("postgresql://u:another@h:1/d")

    assert (str(other), repr(other)) == (str(found), repr(found))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://h/d", {"host": "h", "dbname": "d"}),
        ("postgres://h/d", {"host": "h", "dbname": "d"}),
        ("postgresql+psycopg2://h/d", {"host": "h", "dbname": "d"}),
        ("postgresql://h", {"host": "h", "dbname": "cruddur"}),
        ("postgresql:///d?host=/var/run/postgresql", {"host": "/var/run/postgresql", "dbname": "d"}),
        ("postgresql://u@[::1]:6543/d", {"host": "::1", "port": "6543", "dbname": "d", "user": "u"}),
        ("postgresql:///d?host=a:1&host=b:2", {"host": "a,b", "port": "1,2", "dbname": "d"}),
        (
            "postgresql://h/d?sslmode=require&options=-c%20search_path%3Dx&connect_timeout=3",
            {"host": "h", "dbname": "d", "sslmode": "require", "options": "-c search_path=x", "connect_timeout": "3"},
        ),
    ],
)
def test_urls_that_can_be_used(url: str, expected: dict[str, str]) -> None:
    """Sockets, IPv6, several hosts, missing parts and libpq's own options get through."""
    assert expected == read(url).parameters


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://u:{SECRET}@h/d",
        f"postgresql://u:{SECRET}@/d",
        f"postgresql://u:{SECRET}@h:port/d",
        f"postgresql://u:{SECRET}@h/d?nothing_like_it=1",
        f"postgresql://u:{SECRET}@h/d?sslmode=require&sslmode=disable",
        f"postgresql://u:{SECRET}%00@h/d",
        f"u:{SECRET}@h",
        f"host=h password={SECRET}",
        SECRET,
    ],
)
def test_urls_that_cannot_be_used(url: str) -> None:
    """The message names the variable and the shape of a right URL, and repeats nothing of the wrong one."""
    with pytest.raises(WrongInput, match=r"environment CONNECTION_URL.*postgresql://USER:PASSWORD@HOST") as caught:
        read(url)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:pass@SECRET@h/d",
        "postgresql://u:p@/SECRET@h/d",
        "postgresql://u/SECRET:p@h/d",
        "postgresql://u:a@SECRET/b@h:1/d",
    ],
)
def test_a_part_of_a_password_is_not_shown(url: str) -> None:
    """Where an odd character let it be taken for a host or a database, the URL is refused, and nothing of it repeated."""
    with pytest.raises(WrongInput, match="environment CONNECTION_URL.*: write @ as %40") as caught:
        read(url)
    assert "SECRET" not in str(caught.value)


@given(words)
def test_any_text_is_a_url_or_refused(text: str) -> None:
    """Whatever stands in CONNECTION_URL, there is a location or the one expected error."""
    for url in (text, f"postgresql://{text}", f"postgresql://h/{text}", f"postgresql://h/d?{text}"):
        try:
            location = read(url)
        except WrongInput:
            continue
        assert location.host


@given(words, words)
def test_a_role_is_one_option_whatever_its_name(role: str, before: str) -> None:
    """libpq splits its options at spaces that no backslash hides; what the URL asked for stands before."""
    options = {"options": f"-c application_name={escaped(before)}"}
    location = Location("h", "", "d", "u", options=options, role=role)

    words = re.findall(r"(?:\\.|[^\\ \t\n\v\f\r])+", location.parameters["options"], re.DOTALL)  # as pg_split_opts() does
    found = [re.sub(r"\\(.)", r"\1", word, flags=re.DOTALL) for word in words]
    assert ["-c", f"application_name={before}", "-c", f"role={role}"] == found


def test_a_target_names_its_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a connection URL the session takes the role on; the user stays the URL's."""
    monkeypatch.setenv("CONNECTION_URL", "postgresql://me@h/d")
    monkeypatch.setenv("CRUDDUR_DB_ROLE", "cruddur_reader")
    expected = {"host": "h", "dbname": "d", "user": "me", "options": "-c role=cruddur_reader"}

    assert expected == locate(targets.load("local")).parameters


def test_another_database_of_the_same_server() -> None:
    """The caller's database comes before the URL's."""
    assert "postgres" == read("postgresql://h/d", "postgres").database


def test_a_url_needs_no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """With CONNECTION_URL set, `local` is located without a sandbox, and `prod` with its own variable without an account."""
    monkeypatch.setenv("CONNECTION_URL", "postgresql://h/one")
    monkeypatch.setenv("PROD_CONNECTION_URL", "postgresql://h/two")

    assert ["one", "two"] == [locate(targets.load(name)).database for name in ("local", "prod")]
    assert ["one", "two"] == [database_name(targets.load(name)) for name in ("local", "prod")]


class Answer(BaseHTTPRequestHandler):
    """Answers every request with the server's `content`, and counts."""

    content = b""
    requests = 0

    def do_GET(self) -> None:  # noqa: N802 -- the name that http.server asks for
        """Answer."""
        type(self).requests += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def authority() -> trustme.CA:
    """A certificate authority that signs the server, and is the content of a good bundle."""
    return trustme.CA()


@pytest.fixture
def url(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An HTTPS server that this machine trusts, with an empty state folder to download to."""
    monkeypatch.setenv("CRUDDUR_STATE_DIR", str(tmp_path / "state"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    monkeypatch.setattr(Answer, "content", authority.cert_pem.bytes())
    monkeypatch.setattr(Answer, "requests", 0)
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://localhost:{server.server_port}/global-bundle.pem"
        server.shutdown()
        thread.join()


def test_bundle_is_downloaded_once(url: str, authority: trustme.CA) -> None:
    """The second time the file of the first is used."""
    paths = [certificates.bundle(url), certificates.bundle(url)]

    assert authority.cert_pem.bytes() == paths[0].read_bytes()
    assert paths[0] == paths[1]
    assert 1 == Answer.requests


@pytest.mark.parametrize(
    "content", [b"", b"<html>Sign in</html>", b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", b"\xff\xfe"]
)
def test_what_is_no_bundle_is_not_kept(url: str, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of a captive portal or half a file leaves nothing behind; the message tells another way."""
    monkeypatch.setattr(Answer, "content", content)

    with pytest.raises(NotFound, match="something else than certificates: download .* PGSSLROOTCERT"):
        certificates.bundle(url)
    assert [] == list(state_folder().iterdir())


def test_bundle_comes_over_verified_tls_only(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that this machine does not trust is not asked for trust."""
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(NotFound, match="could not be fetched .*CERTIFICATE_VERIFY_FAILED"):
        certificates.bundle(url)


def test_no_network(url: str) -> None:
    """A server that is not there is told with the other way."""
    with pytest.raises(NotFound, match="could not be fetched .*PGSSLROOTCERT"):
        certificates.bundle("https://localhost:1/global-bundle.pem")


def test_each_partition_has_its_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """From an endpoint of its own, into a file of its own."""
    monkeypatch.setattr(certificates, "_download", lambda url: url.encode())
    regions = {"eu-west-1": "pki.rds.amazonaws.com", "us-gov-east-1": "us-gov-west-1.rds", "cn-north-1": "amazonaws.com.cn"}
    found = {region: certificates.root_certificate(Target("test", region=region)) for region in regions}
    assert 3 == len(set(found.values()))
    assert all(host in found[region].read_text() for region, host in regions.items())
    for path in found.values():
        path.unlink()


def test_named_certificate_comes_first(tmp_path: Path) -> None:
    """PGSSLROOTCERT is used as it is, and must exist."""
    named = tmp_path / "root.pem"
    target = targets.load("prod", ssl_root_certificate=str(named))
    with pytest.raises(NotFound, match="does not exist: correct PGSSLROOTCERT"):
        certificates.root_certificate(target)
    named.touch()

    assert named == certificates.root_certificate(target)
