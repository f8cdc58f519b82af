"""The runner's side of the Action, the one adapter around ``actions_toolkit.core``.

Inputs, outputs, masks, groups and annotations go through the toolkit. What it lacks is added here: a job summary with a
byte budget, a budget of annotations, a guard around standard output, and outputs that are always all written. Its
``github`` module is not used: it ignores ``GITHUB_API_URL``.

Sources: "Workflow commands for GitHub Actions"; actions/runner ``ActionCommandManager``, ``ExecutionContext``.
"""

import base64
import json
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import partial
from io import StringIO, TextIOBase
from pathlib import Path
from typing import Final, TextIO
from urllib.parse import quote

from actions_toolkit import core

from tta_orchestrate.domain.annotation import Annotation, Level, worst_first
from tta_orchestrate.domain.sanitiser import log_line, plain

OUTPUTS: Final = (
    "outcome",
    "conclusion",
    "findings",
    "cost-usd",
    "savings-percent",
    "report-dir",
    "artifact-name",
    "sarif",
)
PER_LEVEL: Final = 10
"""Annotations of one kind that the runner keeps per step."""
MESSAGE_LIMIT: Final = 4_000
"""Bytes; the runner cuts a message at 4,096 characters."""
SUMMARY_LIMIT: Final = 900_000
"""Bytes; above 1 MiB the runner drops the whole summary."""
SHORTEST_SECRET: Final = 6
"""Shorter ones would mask half of the log."""
_ARTIFACT_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")


class Guard(TextIOBase):
    """Standard output for everything but our own commands: line by line, and inert."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._out, self._rest = out, ""

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Pass on whole lines, each of them safe for a runner to read."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._out.write(log_line(line) + "\n")
        return len(text)

    def flush(self) -> None:
        """Pass on an unfinished line as well."""
        if self._rest:
            self._out.write(log_line(self._rest) + "\n")
            self._rest = ""
        self._out.flush()


class Runtime:
    """One step of one job. Make it with :meth:`start` in a process; pass the parts in tests."""

    def __init__(self, environ: Mapping[str, str], out: TextIO) -> None:
        self.environ = environ
        self._out = out
        self._nonce = environ.get("TTA_NONCE", "")

    @classmethod
    def start(cls) -> "Runtime":
        """Take the process's environment and its standard output, and put the guard before the latter."""
        out = sys.stdout
        sys.stdout = Guard(out)
        sys.stderr = Guard(out)
        return cls(os.environ, out)

    # -- in

    def text_input(self, name: str) -> str:
        """Return input *name*, stripped; hyphens in it may have become underscores on the way."""
        return str(core.get_input(name) or core.get_input(name.replace("-", "_")))

    def event(self) -> Mapping[str, object]:
        """Return the event's payload; empty when there is none, or none that can be read."""
        try:
            payload = json.loads(Path(self.environ["GITHUB_EVENT_PATH"]).read_bytes())
        except (KeyError, OSError, ValueError):
            return {}
        return payload if isinstance(payload, dict) else {}

    # -- out

    def set_outputs(self, values: Mapping[str, str]) -> None:
        """Write every output, empty where *values* has none: an unwritten one could be forged by a log line."""
        for name in OUTPUTS:
            self._command(partial(core.set_output, name, log_line(values.get(name, ""))))

    def mask(self, secret: str) -> None:
        """Have the runner hide *secret* and its usual disguises in everything that follows."""
        for form in disguises(secret):
            self._command(partial(core.set_secret, form))

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Fold what is printed meanwhile."""
        self._command(partial(core.start_group, plain(title, 200)))
        try:
            yield
        finally:
            sys.stdout.flush()
            self._command(core.end_group)

    def declare_exit(self, code: int) -> int:
        """Tell the launcher, if there is one, that the program ends by its own will and how; return *code*."""
        if self._nonce:
            self._out.write(f"{self._nonce}exit {code}\n")
            self._out.flush()
        return code

    def order(self, words: str) -> None:
        """Have the launcher, if there is one, start or stop a container beside this one (``start box``)."""
        if self._nonce:
            self._out.write(f"{self._nonce}{words}\n")
            self._out.flush()

    def say(self, text: str) -> None:
        """Print *text* into the log, inert."""
        for line in text.splitlines():
            self._out.write(log_line(line) + "\n")
        self._out.flush()

    def error(self, message: str) -> None:
        """Show an error on the run's page."""
        self._command(partial(core.error, plain(message, MESSAGE_LIMIT), title="tta"))

    def warning(self, message: str) -> None:
        """Show a warning on the run's page."""
        self._command(partial(core.warning, plain(message, MESSAGE_LIMIT), title="tta"))

    def annotate(self, items: Sequence[Annotation]) -> int:
        """Show the worst of *items* within the runner's budget, and how many more there are; return how many are shown.

        One place is kept for the line that says so, and one more for a warning of our own.
        """
        room = dict.fromkeys(Level, PER_LEVEL) | {Level.NOTICE: PER_LEVEL - 1, Level.WARNING: PER_LEVEL - 1}
        shown = 0
        for item in worst_first(items):
            if room[item.level] > 0:
                room[item.level] -= 1
                shown += 1
                self._annotate(item)
        if shown < len(items):
            more = f"{len(items) - shown} more findings: see the job summary and the artifact"
            self._command(partial(core.notice, more, title="tta"))
        return shown

    def _annotate(self, item: Annotation) -> None:
        issue = {Level.FAILURE: core.error, Level.WARNING: core.warning, Level.NOTICE: core.notice}[item.level]
        message = plain(item.message, MESSAGE_LIMIT)
        place = {"file": log_line(item.path), "start_line": item.start_line, "end_line": item.end_line}
        self._command(partial(issue, message, title=plain(item.title, 255), **place))

    def append_summary(self, markdown: str) -> bool:
        """Append *markdown* to the job summary; return whether there was room and a place for it."""
        path = self.environ.get("GITHUB_STEP_SUMMARY")
        if not path:
            return False
        data = markdown.encode("utf-8", "replace") + b"\n"
        try:
            with Path(path).open("ab") as file:
                if file.tell() + len(data) > SUMMARY_LIMIT:
                    return False
                file.write(data)
        except OSError:
            return False
        return True

    def _command(self, issue: Callable[[], object]) -> None:
        """Run one function of the toolkit and pass what it prints to the runner, past every guard.

        Behind the launcher a command must start with the nonce of the run; everything else is neutralised there.
        """
        printed = StringIO()
        with redirect_stdout(printed):
            issue()
        for line in printed.getvalue().splitlines():
            self._out.write(f"{self._nonce}{line}\n")
        self._out.flush()


def disguises(secret: str) -> tuple[str, ...]:
    """Return the forms in which *secret* may turn up in a log: as it is, encoded, escaped, inside a basic login."""
    secret = secret.strip()
    if len(secret) < SHORTEST_SECRET:
        return ()
    raw = secret.encode("utf-8", "surrogateescape")
    login = base64.b64encode(b"x-access-token:" + raw).decode()
    forms = [
        secret,
        *secret.splitlines(),
        *(_core_of_base64(raw, shift) for shift in range(3)),
        raw.hex(),
        quote(secret, safe="", errors="replace"),
        json.dumps(secret)[1:-1],
        login,
    ]
    return tuple(dict.fromkeys(form for form in forms if len(form) >= SHORTEST_SECRET))


def _core_of_base64(raw: bytes, shift: int) -> str:
    """Return the characters of a Base64 text that depend on *raw* alone, when *shift* other bytes stand before it."""
    encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
    start = (0, 2, 3)[shift]
    whole = (len(raw) + shift) * 8 // 6
    return encoded[start:whole]


def artifact_name(mode: str, environ: Mapping[str, str]) -> str:
    """Return a name that no other job, matrix leg or try of this run has, in the characters that artifacts allow."""
    facts = (environ.get("GITHUB_JOB", ""), environ.get("TTA_JOB_INDEX", ""), environ.get("GITHUB_RUN_ATTEMPT", ""))
    parts = ["tta", mode, *(fact for fact in facts if fact), secrets.token_hex(4)]
    return _ARTIFACT_NAME.sub("_", "-".join(parts))[:200]
