"""How a function is called: by its name or ARN, whole or in part, alone or with a version or an alias.

Source: AWS Lambda API Reference (FunctionName and Qualifier of each action); the texts are those that AWS answers.
"""

import re
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.utils import make_function_arn

from rds_sandbox.lambdas.validation import refusal

LATEST = "$LATEST"
NOT_FOUND_CODE = "ResourceNotFoundException"
_CALLED = re.compile(
    r"(?:arn:[^:]*:lambda:)?(?:(?P<region>[a-z]+(?:-[a-z]+)+-\d):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[^:]*)(?::(?P<qualifier>.*))?",
    re.DOTALL,
)
_ALIAS = re.compile(r"(?!\d+$)[a-zA-Z0-9-_]+")


def may_be_alias(qualifier: str) -> bool:
    """Whether an alias can have this name (API Reference, CreateAlias)."""
    return bool(_ALIAS.fullmatch(qualifier))


def read(backend: Any, called: str, qualifier: str | None = None) -> tuple[str, str | None]:
    """The bare name, and the version or alias, if any; refused where another region or account is meant, or two qualifiers."""
    match = _CALLED.fullmatch(called)
    parts = match.groupdict() if match else {"name": called}
    region, own = parts.get("region") or backend.region_name, parts.get("qualifier")
    if region != backend.region_name:
        message = f"Functions from '{region}' are not reachable in this region ('{backend.region_name}')"
        raise refusal(404, NOT_FOUND_CODE, message)
    if parts.get("account") not in (None, backend.account_id):
        raise refusal(403, "AccessDeniedException", f"The function {called} is another account's.")
    if own and qualifier and own != qualifier:
        raise InvalidParameterValueException(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return parts["name"], qualifier or own


def arn(backend: Any, name: str, qualifier: str | None = None) -> str:
    """Of a function, or of a version or an alias of it."""
    whole: str = make_function_arn(backend.region_name, backend.account_id, name)
    return f"{whole}:{qualifier}" if qualifier else whole
