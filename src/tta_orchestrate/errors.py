"""Every expected failure, in one tree; each leaf owns the exit code of the process and tells the remedy.

    OrchestrateError
    ├── ConfigError          2   configuration, inputs or flags are wrong
    │   └── UsageError       2   the command line asks for something that cannot be
    ├── SourceError          2   the change or the repository cannot be read as asked
    │   ├── GitError         2   git is missing, or refused
    │   └── DiffError        2   a diff that this program does not read, or that is broken
    ├── UnavailableError     3   nothing could be done: no quota, refused, all calls failed
    │   ├── SandboxError     3   code was to be executed, but the sandbox cannot be built here
    │   └── BudgetError      3   a hard limit is used up, and the configuration says that this fails the run
    ├── LedgerError          3   the books across runs cannot be read or written
    ├── GitHubError          3   GitHub refuses, or does not answer in time
    │   ├── ForbiddenError   3   the token may not do this: never tried again
    │   ├── InvalidError     3   GitHub does not accept what was sent (422)
    │   ├── NotFoundError    3   there is no such thing, or the token may not see it
    │   └── AnswerLostError  3   a write was sent, and whether it was done is not known
    └── DeliveryError        3   a result exists but could not be written anywhere
        ├── PatchRefusedError  3   a patch holds what is not delivered, or was made for another commit
        └── PublishForbiddenError  3   the repository or the token does not allow branches or pull requests

Anything else that escapes is a bug: the command line reports it as one, with exit code 70 (`EX_SOFTWARE`).
"""

from typing import ClassVar


class OrchestrateError(Exception):
    """The root. ``str(error)`` is one line that says what is wrong; ``remedy`` says what to do about it."""

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class ConfigError(OrchestrateError):
    """The configuration file, the environment, an input or a flag is wrong (outcome ``config-error``)."""

    exit_code = 2


class UsageError(ConfigError):
    """The flags contradict each other, or ask for something that does not exist."""


class SourceError(OrchestrateError):
    """What was to be read cannot be read as asked."""

    exit_code = 2


class GitError(SourceError):
    """git is missing, the folder is no repository, a revision is unknown, or history is cut off."""


class DiffError(SourceError):
    """The diff is broken, or of a kind that is refused (combined diffs)."""


class UnavailableError(OrchestrateError):
    """Nothing could be done (outcome ``unavailable``)."""

    exit_code = 3


class SandboxError(UnavailableError):
    """A layer of the sandbox is missing, so nothing was executed; the message names it."""


class BudgetError(UnavailableError):
    """A hard limit of the day or the month is used up (``cost_tracking.on_limit: fail``)."""


class LedgerError(OrchestrateError):
    """The books across runs cannot be read or written."""


class GitHubError(OrchestrateError):
    """GitHub's API refuses, or does not answer in time."""


class ForbiddenError(GitHubError):
    """The token may not do this (401, or a 403 that is no rate limit)."""


class InvalidError(GitHubError):
    """GitHub does not accept what was sent (422)."""


class NotFoundError(GitHubError):
    """There is no such thing, or the token may not see it (404)."""


class AnswerLostError(GitHubError):
    """A write was sent, and no answer says whether it was done: read back before it is sent again."""


class DeliveryError(OrchestrateError):
    """Results exist, but none of the places to leave them took them."""

    exit_code = 3


class PatchRefusedError(DeliveryError):
    """A patch holds something that this program does not write into a repository, or is not for this commit."""


class PublishForbiddenError(DeliveryError):
    """A branch or a pull request may not be made; ``remedy`` names the setting."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        default = (
            "allow it in Settings > Actions > General > Workflow permissions (read and write, and 'Allow GitHub "
            "Actions to create and approve pull requests'), or give the action a token that may"
        )
        super().__init__(message, remedy=remedy or default)
