"""How many invocations of a function may be under way at once, and what the account has of everything.

Source: AWS Lambda API Reference (PutFunctionConcurrency, GetAccountSettings); Developer Guide, "Lambda quotas".
"""

from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException

from rds_sandbox.lambdas import names
from rds_sandbox.lambdas.functions import SandboxFunction
from rds_sandbox.lambdas.validation import LIMITS
from rds_sandbox.patches import Request, action


@action("lambda", "PutFunctionConcurrency")
def put(request: Request) -> dict[str, int]:
    """Of all versions of a function together; enough is left to the others."""
    function, wanted = _function(request), int(request.parameters["ReservedConcurrentExecutions"])
    least = LIMITS["unreserved"]
    if _unreserved(request.backend, function) - wanted < least:
        message = "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution"
        raise InvalidParameterValueException(f"{message} below its minimum value of [{least}].")
    function.reserved_concurrency = wanted
    return {"ReservedConcurrentExecutions": wanted}


@action("lambda", "GetFunctionConcurrency")
def get(request: Request) -> dict[str, int]:
    """Nothing where none is reserved."""
    reserved = _function(request).reserved_concurrency
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


@action("lambda", "DeleteFunctionConcurrency")
def delete(request: Request) -> dict[str, Any]:
    """None is reserved any more."""
    _function(request).reserved_concurrency = None
    return {}


@action("lambda", "GetAccountSettings")
def get_account_settings(request: Request) -> dict[str, Any]:
    """The quotas of a new account, and what its functions take up."""
    functions = request.backend.list_functions("ALL")
    limit = {
        "TotalCodeSize": LIMITS["stored"],
        "CodeSizeUnzipped": LIMITS["unzipped"],
        "CodeSizeZipped": LIMITS["zipped"],
        "ConcurrentExecutions": LIMITS["concurrency"],
        "UnreservedConcurrentExecutions": _unreserved(request.backend),
    }
    usage = {"TotalCodeSize": sum(each.code_size for each in functions), "FunctionCount": len(request.backend.list_functions())}
    return {"AccountLimit": limit, "AccountUsage": usage}


def _unreserved(backend: Any, besides: SandboxFunction | None = None) -> int:
    """What no function has reserved; one of them may be left out."""
    reserved = sum(each.reserved_concurrency or 0 for each in backend.list_functions() if each is not besides)
    return int(LIMITS["concurrency"] - reserved)


def _function(request: Request) -> SandboxFunction:
    name, qualifier = names.read(request.backend, request.parameters["FunctionName"])
    if qualifier:
        message = "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation."
        raise InvalidParameterValueException(f"{message} Please specify either a function name or an unqualified function ARN.")
    function: SandboxFunction = request.backend.get_function(name)
    return function
