"""What cannot be used is refused in one sentence with the remedy, and exit code 2, before AWS or a server is asked."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cruddur_ops import state, targets
from cruddur_ops.cli import main
from cruddur_ops.errors import WrongInput
from cruddur_ops.target import SETTINGS

LOCAL = "[local]\nsandbox = true\n[distant]\nconnection_url = 'mysql://x'\naccount_id = '123456789012'\n"
LONG = "9" * 6000


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The targets.toml, of a sandbox that is not up: whatever gets as far as AWS ends with exit code 1."""
    path = tmp_path / "targets.toml"
    path.write_text(LOCAL)
    monkeypatch.setenv("CRUDDUR_TARGETS", str(path))
    monkeypatch.setenv("CRUDDUR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(targets, "sandbox_environment", dict)
    return path


def refusal(*arguments: str) -> str:
    """The sentence with which the command line refuses."""
    result = CliRunner().invoke(main, arguments)
    assert (2, "", SystemExit) == (result.exit_code, result.stdout, type(result.exception)), result.output
    return result.stderr.strip().splitlines()[-1]


OPTIONS = [
    (["run", "--plan-file", "x.json"], "--plan-file is where the plan of --approved is"),
    (["run", "--cell-timeout", "0"], "0 is not in the range"),
    (["run", "00", "--parameters", "/"], "/ cannot be read as YAML or TOML"),
    (["run", "00", "--parameters", "/dev/zero"], "/dev/zero cannot be read as YAML or TOML ([Errno 27] File too large"),
    (["run", "--approved", "0", "--plan-file", "/dev/zero"], "in /dev/zero"),
    (["run", "00", "--evidence", "s3://"], "no place for evidence"),
    (["run", "01", "--target", "distant"], "the connection URL (targets.toml) is not that of a PostgreSQL server"),
    (["db", "seed", "--seed-number", "3"], "give --scale too"),
    (["db", "seed", "--scale", "-1"], "is not in the range"),
    (["db", "expire", "--batch", "0"], "is not in the range"),
    (["db", "wait", "--timeout", "nan"], "timeout cannot be nan"),
    (["db", "wait", "--timeout", "inf"], "timeout cannot be inf"),
    (["db", "wait", "--timeout", "-1"], "is not in the range"),
    (["rds", "logs", "--lines", "-1"], "is not in the range"),
    (["rds", "status", "--lines", LONG], "is not a valid integer"),
    (["rds", "snapshot", "a--b"], "NAME cannot be 'a--b': it is up to 255 letters"),
    (["rds", "snapshot", "rds:x"], "NAME cannot be 'rds:x'"),
    (["rds", "delete-snapshot", "x; DROP"], "NAME cannot be 'x; DROP'"),
    (["rds", "restore", "copy", "--snapshot", "../x"], "name cannot be '../x'"),
    (["rds", "restore", "x" * 64, "--snapshot", "x"], "IDENTIFIER cannot be 'xxx"),
    (["rds", "restore", "copy", "--time", "9999-12-31T23:59:59-23:59"], "is no time"),
    (["rds", "restore", "copy", "--time", "0001-01-01T00:00:00+23:59"], "is no time"),
    (["rds", "restore", "copy", "--time", "yesterday"], "is no time"),
    (["rds", "restore", "copy"], "name either a --snapshot or a --time"),
    (["rds", "replica", "-x"], "No such option"),
    (["rds", "switch-over", "a_b", "--keep-as", "c"], "INCOMING cannot be 'a_b'"),
    (["rds", "switch-over", "a", "--keep-as", "1c"], "outgoing cannot be '1c'"),
    (["expired", "--region", "x; DROP"], "is no region"),
    (["expired", "--region", ""], "is no region"),
    (["db", "status", "--target", ""], 'there is no target ""'),
    (["db", "recover", "users", "--where", "\udcff", "--from", "copy"], "where cannot be '\\udcff': write it in UTF-8"),
    (["runs", "x" * 300, "y"], "has no run"),
    (["runs", "a", "b", "c"], "name two runs"),
]


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(("arguments", "said"), OPTIONS, ids=[" ".join(row[0])[:40] for row in OPTIONS])
def test_an_option_that_cannot_be_used(arguments: list[str], said: str) -> None:
    """Whether it is of no use, out of its range, or of no meaning alone."""
    assert said in refusal(*arguments)


FILES = {
    "top = 1": '"top" in .* is no section: write \\[top\\]',
    "local = 3": '"local" in .* is no section',
    "[[local]]\na = 1": '"local" in .* is no section',
    "[local": "is not valid TOML",
    "[local]\nsandbox=true\n[local]\nx=1": "is not valid TOML",
    "a = " + "[" * 5000: "is not valid TOML",
    f"[local]\nport = {LONG}": "is not valid TOML",
    "[local]\nport = 1e999": "port must be a whole number",
    "[local]\nport = nan": "port must be a whole number",
    "[local]\nport = -1": 'port cannot be "-1"',
    "[local]\nport = '١٢٣٤'": "port must be a whole number",
    f"[local]\nport = '{LONG}'": "port must be a whole number, not .{1,70}: correct",
    "[local]\ndb_name = [1]": "db_name must be text",
    "[local]\ndb_name = {a = 1}": "db_name must be text",
    "[local]\nowner = 2026-01-01": "owner must be text",
    "[local]\nsandbox = 'maybe'": "sandbox must be true or false",
    "[local]\nregion = 'a\\u0000b'": "region cannot be",
    "[local]\ninstance_days = 99999999999": "instance_days cannot be",
    "[local]\noperator_address = 'here'": "'here' is set, which is no IP address: set LOCAL_IP",
    "[local]\noperator_address = '0.0.0.0/0'": "would let in 4294967296 addresses",
    "[local]\nowner = 'Jörg'": "owner cannot be .* up to 200 letters",
    "[local]\nuser_pool_id = 'mine'": "user_pool_id cannot be .* an id such as ca-central-1_aBcDeFgHi",
    "[local]\nrule_days = -5": "rule_days cannot be",
    "[local]\nengine_version = 'abc'": "engine_version cannot be",
    "[local]\ndb_name = 'rdsadmin'": "db_name cannot be .* none of the server's own",
    "[local]\nextra_tags = 'a=1,AWS:b=2'": "extra_tags cannot be",
    "[local]\nextra_tags = 'a=1,ManagedBy=me'": "extra_tags cannot be .* no key that cruddur-ops or AWS writes itself",
    "[local]\nmaster_username = 'Admin'": "master_username cannot be .* and not admin, rdsadmin or pg_",
    "": '^there is no target "local": add a section to ',
    "[local]\nnotify = ['https://x/token']": r'notify must be text in quotes, not "\*\*\*"',
    "[local]\nnotify = 'ftp://x/token'": r'notify cannot be "\*\*\*" .* the ARN of an SNS topic, the URL of a webhook',
    "[local]\nnotify = 'arn:aws:sqs:eu-west-1:123456789012:q'": "notify cannot be",
    '[local]\nnotify = "mail \'x"': "notify cannot be",
    "[local]\nsources = 'x'": '"sources" is not a setting',
    "[local]\naccount_id = 123456789012": "account_id must be text in quotes",
}


@pytest.mark.parametrize("text", FILES)
def test_a_file_of_targets_that_cannot_be_used(file: Path, text: str) -> None:
    """The file and the place are named, whatever is wrong with them."""
    file.write_text(text)
    with pytest.raises(WrongInput, match=FILES[text]):
        targets.load("local")


@pytest.mark.parametrize("content", [b"\xff", b"\xff\xfe[\x00l\x00"])
def test_a_file_of_targets_in_another_encoding(file: Path, content: bytes) -> None:
    """TOML is UTF-8."""
    file.write_bytes(content)
    with pytest.raises(WrongInput, match="is not valid TOML"):
        targets.load("local")


def test_a_folder_in_the_place_of_the_file(file: Path) -> None:
    """So it is named, with why it cannot be read."""
    file.unlink()
    file.mkdir()
    with pytest.raises(WrongInput, match=r"cannot be read \(Is a directory\)"):
        targets.load("local")


def test_a_device_in_the_place_of_the_file(file: Path) -> None:
    """What has no end is not read to it."""
    file.unlink()
    file.symlink_to("/dev/zero")
    with pytest.raises(WrongInput, match=r"cannot be read \(File too large\)"):
        targets.load("local")


def test_a_byte_order_mark_is_none_of_the_file(file: Path) -> None:
    """As some editors write it."""
    file.write_bytes(b"\xef\xbb\xbf" + LOCAL.encode())
    assert targets.load("local").sandbox


VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates() | st.times(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=3,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(SETTINGS)), value=VALUES)
@pytest.mark.usefixtures("file")
def test_any_value_of_any_setting_is_taken_or_refused(name: str, value: Any) -> None:
    """Nothing that TOML can say makes a traceback."""
    try:
        targets.from_section("local", {"sandbox": True, name: value})
    except WrongInput as error:
        assert len(str(error)) < 400


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(SETTINGS)), value=st.text(st.characters(exclude_characters="\0", codec="utf-8")))
def test_any_text_in_any_variable_is_taken_or_refused(file: Path, name: str, value: str) -> None:
    """The environment is nobody's to trust."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(f"CRUDDUR_{name.upper()}", value)
        try:
            targets.load("local")
        except WrongInput as error:
            assert len(str(error)) < 400


@pytest.mark.parametrize("url", ["http://[::1", "http://", "http://x:99999", "x", "ftp://x", "http://x:0", "\udcff"])
def test_an_endpoint_that_is_none(file: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Before a client is made of it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(WrongInput, match=r"endpoint_url cannot be .*: it is a URL|AWS_ENDPOINT_URL must be text in UTF-8"):
        targets.load("local")


def test_a_user_without_a_name_has_a_number(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs as somebody whom its system does not know."""

    def unknown() -> NoReturn:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", unknown)
    assert targets.load("local").owner == state.user()
    assert state.user().startswith("uid-")


@pytest.mark.parametrize(
    ("arguments", "variable"),
    [
        (["rds", "status"], "RDS_SANDBOX_STATE_DIR"),
        (["sandbox", "up"], "RDS_SANDBOX_STATE_DIR"),
        (["sandbox", "down"], "RDS_SANDBOX_STATE_DIR"),
        (["run", "00"], "RDS_SANDBOX_STATE_DIR"),
    ],
)
def test_a_home_that_cannot_be_written(arguments: list[str], variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of a service's account: the variable is named that says where else the files may be."""
    monkeypatch.setenv("HOME", "/dev/null")
    for name in ("CRUDDUR_STATE_DIR", "RDS_SANDBOX_STATE_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert refusal(*arguments).endswith(f"cannot be made (Not a directory): name another folder in {variable}")
