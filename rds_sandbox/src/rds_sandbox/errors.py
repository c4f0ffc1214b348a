"""Expected failures. Each message is one sentence that ends with the remedy."""


class SandboxError(Exception):
    """An expected failure of the sandbox."""

    exit_code = 1


class WrongInput(SandboxError):
    """A name or a value that the caller gave cannot be used; nothing was touched."""

    exit_code = 2


class SandboxNotUp(SandboxError):
    """No sandbox of this name is running."""


class SandboxFailed(SandboxError):
    """The sandbox's process did not start; the message says why, or where its log is."""


class PostgresMissing(SandboxFailed):
    """There are no PostgreSQL server programs to run."""


class NotInSandbox(Exception):
    """Valid on AWS, but nothing in the sandbox stands behind it; the message says what. AWS clients hear of it."""
