"""GetRandomPassword: what a password is made of."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.secretsmanager.exceptions import InvalidParameterException

from rds_sandbox import random_passwords
from rds_sandbox.random_passwords import TYPES


@given(
    length=st.integers(1, 60),
    required=st.booleans(),
    excluded=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=90),
    without=st.sets(st.sampled_from(sorted(TYPES))),
)
def test_random_passwords(length: int, required: bool, excluded: str, without: set[str]) -> None:
    """Of what is not excluded alone, in the length asked for, with one of each type; or a refusal where there is none."""
    types = [set(characters) - set(excluded) for name, characters in TYPES.items() if name not in without]
    types = [each for each in types if each]
    asked = {"PasswordLength": length, "RequireEachIncludedType": required, "ExcludeCharacters": excluded}
    request: Any = SimpleNamespace(parameters={**asked, **dict.fromkeys(without, True)})
    if not types or required and length < len(types):
        with pytest.raises(InvalidParameterException):
            random_passwords.answer(request)
        return
    made = random_passwords.answer(request)["RandomPassword"]
    assert length == len(made)
    assert {*made} <= set[str]().union(*types)
    assert not required or all({*made} & each for each in types)
