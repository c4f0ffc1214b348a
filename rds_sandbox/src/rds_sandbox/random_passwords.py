"""GetRandomPassword, where moto's fails on characters of a type that are all excluded, and on fewer than four.

Source: Secrets Manager API Reference, GetRandomPassword.
"""

import secrets
import string
from collections.abc import Iterator, Mapping
from typing import Any

from moto.secretsmanager.exceptions import InvalidParameterException

from rds_sandbox.patches import Request, action

LENGTH = 32
TYPES = {
    "ExcludeLowercase": string.ascii_lowercase,
    "ExcludeUppercase": string.ascii_uppercase,
    "ExcludeNumbers": string.digits,
    "ExcludePunctuation": string.punctuation,
}


@action("secretsmanager", "GetRandomPassword")
def answer(request: Request) -> dict[str, str]:
    """Of each type that is not excluded at least one, unless that is waived."""
    asked = request.parameters
    length, types = asked.get("PasswordLength", LENGTH), list(_types(asked))
    if not types:
        raise InvalidParameterException("You can't exclude all characters: a password has to consist of some.")
    required = types if asked.get("RequireEachIncludedType", True) else []
    if length < len(required):
        raise InvalidParameterException("Password length is too short based on the required types.")
    everything = "".join(types)
    chosen = [secrets.choice(each) for each in required]
    chosen += [secrets.choice(everything) for _ in range(length - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return {"RandomPassword": "".join(chosen)}


def _types(asked: Mapping[str, Any]) -> Iterator[str]:
    """The characters of each type that may be used, of those that have any."""
    included = [characters for name, characters in TYPES.items() if not asked.get(name)]
    for characters in [*included, *([" "] if asked.get("IncludeSpace") else [])]:
        if left := "".join(sorted({*characters} - {*asked.get("ExcludeCharacters", "")})):
            yield left
