"""Targets: which value wins, where it came from, and what is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rds_sandbox
from cruddur_ops import state, targets
from cruddur_ops.errors import WrongInput
from cruddur_ops.target import SETTINGS, Target
from cruddur_ops.targets import typed


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write a targets.toml that is read in place of the project's."""
    path = tmp_path / "targets.toml"
    monkeypatch.setenv("CRUDDUR_TARGETS", str(path))

    def write_text(text: str) -> None:
        path.write_text(text)

    return write_text


def shown(target: Target, name: str) -> tuple[str, str]:
    """How `cruddur-ops targets` shows a setting: value and source."""
    return next((value, source) for key, value, source in target.rows() if key == name)


def test_parameter_comes_before_environment_file_and_default(
    write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Precedence: parameter, environment variable, file, default; each named as the source."""
    write('[mine]\nsandbox = true\nregion = "eu-west-1"\n')
    assert ("eu-west-1", "targets.toml") == shown(targets.load("mine"), "region")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert ("us-east-1", "environment AWS_REGION") == shown(targets.load("mine"), "region")
    assert ("sa-east-1", "parameter") == shown(targets.load("mine", region="sa-east-1"), "region")
    assert ("18", "default") == shown(targets.load("mine"), "engine_version")


def test_what_a_notebook_leaves_empty_is_not_asked_for(write: Callable[[str], None]) -> None:
    """Its parameters cell gives "" by default, and that is no wish; a value in any place is one."""
    write("[mine]\nport = 5432\n")
    target = targets.load("mine", engine_version="", db_instance_class=None, allocated_storage=20)
    asked = {name: target.asked(name) for name in ("engine_version", "db_instance_class", "allocated_storage", "port")}
    assert {"engine_version": False, "db_instance_class": False, "allocated_storage": True, "port": True} == asked


@pytest.mark.parametrize(
    ("target", "variable"),
    [("local", "CONNECTION_URL"), ("prod", "PROD_CONNECTION_URL"), ("blue-green", "BLUE_GREEN_CONNECTION_URL")],
)
def test_each_target_has_its_connection_url(
    write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, target: str, variable: str
) -> None:
    """CONNECTION_URL is local's alone; every other target has one of its own name."""
    write("[local]\n[prod]\n[blue-green]\n")
    monkeypatch.setenv(variable, "postgresql://me:hidden@db.example.com/cruddur")
    given_to = {name: targets.load(name).connection_url for name in ("local", "prod", "blue-green")}

    assert [target] == [name for name, url in given_to.items() if url]


def test_secrets_are_masked(write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the table nor the representation of a target shows a connection URL."""
    write("[local]\n")
    monkeypatch.setenv("CONNECTION_URL", "postgresql://me:hidden@db.example.com/cruddur")
    target = targets.load("local")

    assert ("***", "environment CONNECTION_URL") == shown(target, "connection_url")
    assert "hidden" not in repr(target) + str(target) + str(list(target.rows()))


def test_any_setting_has_a_variable_of_its_own(write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """CRUDDUR_ and the setting's name in capitals."""
    write("[local]\n")
    monkeypatch.setenv("CRUDDUR_ALLOCATED_STORAGE", "40")

    assert 40 == targets.load("local").allocated_storage


@pytest.mark.parametrize("name", ["sandbox", "protected"])
def test_protection_stands_in_the_file_alone(write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Neither a variable nor a parameter takes a target's protection away, or makes it a sandbox."""
    write(f"[mine]\n{name} = true\n")
    monkeypatch.setenv(f"CRUDDUR_{name.upper()}", "false")

    assert ("True", "targets.toml") == shown(targets.load("mine"), name)
    with pytest.raises(WrongInput, match="cannot be given for one run"):
        targets.load("mine", "", **{name: False})


def test_what_is_not_the_sandbox_is_protected(write: Callable[[str], None]) -> None:
    """Unless the file says otherwise; and a sandbox is, where it says so."""
    write("[local]\nsandbox = true\n[staging]\nsandbox = true\nprotected = true\n[prod]\n[trial]\nprotected = false\n")
    found = {name: targets.load(name).protected for name in targets.read_targets()}
    assert {"local": False, "staging": True, "prod": True, "trial": False} == found
    assert ("True", "default") == shown(targets.load("prod"), "protected")


def test_where_a_protected_target_is_stands_in_the_file_alone(
    write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left in a shell sends it nowhere else; without a profile in the file the credentials are the shell's."""
    write('[prod]\nprofile = "prod"\nregion = "eu-west-1"\n[bare]\n[trial]\nprotected = false\n')
    for name, value in {"AWS_REGION": "us-east-1", "CRUDDUR_REGION": "us-east-2", "AWS_PROFILE": "mine"}.items():
        monkeypatch.setenv(name, value)
    found = {name: (targets.load(name).region, targets.load(name).profile) for name in ("prod", "bare", "trial")}
    assert {"prod": ("eu-west-1", "prod"), "bare": ("ca-central-1", "mine"), "trial": ("us-east-1", "mine")} == found
    for setting in ({"region": "us-east-1"}, {"profile": "mine"}, {"account_id": "1"}):
        with pytest.raises(WrongInput, match="cannot be given for one run"):
            targets.load("prod", **setting)


PLACE = ("sandbox", "protected", "account_id", "region", "profile", "endpoint_url")
LEFT_BEHIND = [name for key in PLACE for name in (*SETTINGS[key].metadata["variables"], f"CRUDDUR_{key.upper()}")]


@given(st.dictionaries(st.sampled_from(LEFT_BEHIND), st.sampled_from(["true", "false", "eu-west-1", "http://127.0.0.1:9"])))
def test_no_shell_moves_a_pinned_target(left: dict[str, str]) -> None:
    """Whatever is left in it."""
    section = {"account_id": "123456789012", "profile": "prod", "region": "sa-east-1"}
    with patch.dict(os.environ, left):
        target = targets.from_section("prod", section)
    expected = {"sandbox": False, "protected": True, "endpoint_url": "", **section}
    assert expected == {name: getattr(target, name) for name in PLACE}


def test_an_endpoint_is_the_sandboxs(write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """No other target takes one, from wherever."""
    write('[prod]\n[mine]\nendpoint_url = "http://127.0.0.1:9"\n')
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert ("", "default") == shown(targets.load("prod"), "endpoint_url")
    with pytest.raises(WrongInput, match="cannot be given for one run"):
        targets.load("prod", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(WrongInput, match=r"\[mine\] is not the sandbox and has an endpoint_url: take that out"):
        targets.load("mine")


def test_unknown_target_names_those_there_are(write: Callable[[str], None]) -> None:
    """The message lists the sections."""
    write("[local]\n[prod]\n")

    with pytest.raises(WrongInput, match='no target "prd": use one of local, prod'):
        targets.load("prd")


def test_unknown_key_names_the_nearest(write: Callable[[str], None]) -> None:
    """A mistyped setting in the file or as a parameter is refused."""
    write('[local]\nregoin = "eu-west-1"\n')

    with pytest.raises(WrongInput, match='did you mean "region"'):
        targets.load("local")


@pytest.mark.parametrize("text", ['[local]\nport = "many"\n', "[local]\nport = true\n", '[local]\nsandbox = "perhaps"\n'])
def test_wrong_type_is_refused(write: Callable[[str], None], text: str) -> None:
    """A value that does not fit its setting is refused, with what is expected."""
    write(text)

    with pytest.raises(WrongInput, match=r"(port|sandbox) must be (a whole number|true or false)"):
        targets.load("local")


WRONG = [
    ("engine_version", "abc"),
    ("engine_version", "18; DROP TABLE users"),
    ("db_instance_class", "t4g.micro"),
    ("storage_type", "gp4"),
    ("allocated_storage", -20),
    ("max_allocated_storage", -1),
    ("iops", -3000),
    ("backup_retention_period", 36),
    ("performance_insights_retention_period", 8),
    ("instance_days", -1),
    ("rule_days", 10**9),
    ("port", 80),
    ("tunnel_address", "localhost"),
    ("db_instance_identifier", "two--hyphens"),
    ("db_name", "x; DROP"),
    ("db_role", "x; DROP"),
    ("master_username", "1root"),
    ("region", "ca-central"),
    ("availability_zone", "x; DROP"),
    ("preferred_backup_window", "3:00-4:00"),
    ("preferred_maintenance_window", "sunday 3:00"),
    ("monitoring_interval", 7),
    ("monitoring_role_arn", "emaccess"),
    ("network_type", "IPV6"),
    ("log_exports", "postgresql,slow"),
    ("extra_tags", "Team"),
    ("lambda_architecture", "arm"),
]


@pytest.mark.parametrize(
    ("account", "sentence"), [("12345678901", "it is the 12 digits"), (123456789012, "must be text in quotes")]
)
def test_an_account_that_there_cannot_be(write: Callable[[str], None], account: str | int, sentence: str) -> None:
    """A digit is missing, or it stands there as a number."""
    write(f"[prod]\naccount_id = {json.dumps(account)}\n")
    with pytest.raises(WrongInput, match=sentence):
        targets.load("prod")


@pytest.mark.parametrize("origin", ["file", "environment", "parameter"])
@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_value_that_cannot_be_is_refused(
    write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, name: str, value: str | int, origin: str
) -> None:
    """Wherever it comes from, before anything is asked of AWS; the sentence says what it may be, and where it stands."""
    write("[mine]\nprotected = false\n" + (f"{name} = {json.dumps(value)}\n" if origin == "file" else ""))
    if origin == "environment":
        monkeypatch.setenv(f"CRUDDUR_{name.upper()}", str(value))
    given = {name: value} if origin == "parameter" else {}
    with pytest.raises(WrongInput, match=f"{name} cannot be .* it is "):
        targets.load("mine", "", **given)


def test_every_default_is_within_its_limits() -> None:
    """Nothing is refused that nobody has said."""
    limits = [(spec.default, spec.metadata["limit"]) for spec in SETTINGS.values() if spec.metadata["limit"]]
    assert [] == [default for default, limit in limits if not limit.holds(default)]


@given(st.sampled_from(sorted(SETTINGS)), st.text(max_size=80) | st.integers())
def test_any_value_is_taken_or_refused_in_one_sentence(name: str, value: str | int) -> None:
    """Nothing else comes of it, whatever is written."""
    with pytest.MonkeyPatch.context() as patch, suppress(WrongInput):
        patch.setattr(targets, "read_targets", lambda: {"mine": {name: value}})
        targets.load("mine")


@pytest.mark.parametrize("text", [None, "[local", "region = \xff"])
def test_unreadable_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    """A missing or malformed targets.toml is one sentence."""
    path = tmp_path / "targets.toml"
    monkeypatch.setenv("CRUDDUR_TARGETS", str(path))
    if text is not None:
        path.write_bytes(text.encode("latin-1"))

    with pytest.raises(WrongInput, match=r"targets\.toml"):
        targets.load("local")


def test_running_sandbox_is_found(write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox target takes endpoint and certificate from the sandbox that is up; another target does not."""
    write("[local]\nsandbox = true\n[prod]\n")
    told = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "PGSSLROOTCERT": "/root.pem", "RDS_SANDBOX_LAMBDA_RUNTIME": "python3.12"}
    monkeypatch.setattr(rds_sandbox, "running", lambda: told)

    assert ("http://127.0.0.1:9", "sandbox") == shown(targets.load("local"), "endpoint_url")
    assert ("/root.pem", "sandbox") == shown(targets.load("local"), "ssl_root_certificate")
    assert ("python3.12", "sandbox") == shown(targets.load("local"), "lambda_runtime")
    assert ("", "default") == shown(targets.load("prod"), "endpoint_url")


def test_state_folder_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the variable that helps."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CRUDDUR_STATE_DIR", str(tmp_path / "file" / "folder"))

    with pytest.raises(WrongInput, match="CRUDDUR_STATE_DIR"):
        state.state_folder()


def test_project_file_is_right() -> None:
    """The committed targets.toml has the sandbox as local, and a protected prod."""
    assert targets.load("local").sandbox
    assert not targets.load("local").protected
    assert targets.load("prod").protected
    assert not targets.load("prod").sandbox


@given(st.integers())
def test_numbers_survive_as_text(number: int) -> None:
    """What an environment variable says is read as the number that it is."""
    assert number == typed("port", str(number))


@given(st.text())
def test_text_is_a_number_or_refused(text: str) -> None:
    """Any text is either read as int() reads it, or refused; never passed on as text."""
    try:
        number = typed("port", text)
    except WrongInput as error:
        assert "port must be a whole number" in str(error)
    else:
        assert int(text) == number


@given(st.booleans())
def test_booleans_survive_as_text(value: bool) -> None:
    """TOML's and Python's spellings are both understood."""
    assert value is typed("sandbox", str(value)) is typed("sandbox", str(value).lower())


def test_every_setting_has_a_source() -> None:
    """No value is without one."""
    assert set(SETTINGS) == set(targets.load("local").sources)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CRUDDUR_DB_INSTANCE_CLAS", "CRUDDUR_DB_INSTANCE_CLASS"),
        ("CRUDDUR_BACKUP_RETENTION", "CRUDDUR_BACKUP_RETENTION_PERIOD"),
        ("CRUDDUR_TARGET", "CRUDDUR_TARGETS"),
    ],
)
def test_a_misspelt_variable(name: str, meant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be ignored in silence: the one that was meant is named."""
    monkeypatch.setenv(name, "x")
    with pytest.raises(WrongInput, match=f'{name} is set, and means nothing: did you mean "{meant}"'):
        targets.load("local")


@pytest.mark.parametrize(
    "name", ["CRUDDUR_USER_POOL", "CRUDDUR_HANDLE", "CRUDDUR_FRONTEND_URL", "CRUDDUR_DB_HOST", "CRUDDUR_RUNS"]
)
def test_a_variable_of_another_meaning(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook's parameter, the application's, or the runner's: it is no setting, and none is near."""
    monkeypatch.setenv(name, "x")
    assert "local" == targets.load("local").name
