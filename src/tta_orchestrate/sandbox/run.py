"""The sandbox as the rest of the program sees it: a job goes in, a result comes out, nothing else happens."""

import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Final

from tta_orchestrate.errors import SandboxError
from tta_orchestrate.sandbox.spec import End, Job, JobResult, Level, Limits

_GRACE: Final = 15.0
"""Seconds that building and taking down may take on top of a job's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """Runs jobs at one level."""

    level: Level = Level.PRIVATE

    def run(self, job: Job) -> JobResult:
        """Run *job* at this sandbox's level.

        Raises:
            SandboxError: a layer could not be put on, so nothing was run.
        """
        job = replace(job, level=self.level)
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-m", "tta_orchestrate.sandbox"],
                input=job.to_json(),
                capture_output=True,
                text=True,
                env={"PATH": "/usr/bin:/bin"},
                cwd="/",
                timeout=job.limits.seconds + _GRACE,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SandboxError("the sandbox's supervisor did not come back", remedy=_REMEDY) from error
        if done.returncode or not done.stdout:
            raise SandboxError(f"the sandbox's supervisor died: {done.stderr[-300:]}", remedy=_REMEDY)
        result = JobResult.from_json(done.stdout)
        if result.end is End.REFUSED:
            raise SandboxError(f"the sandbox is incomplete here: {result.reason}", remedy=_REMEDY)
        return result

    def check(self) -> None:
        """Run nothing in it, to see whether it can be built.

        Raises:
            SandboxError: it cannot; the message names the primitive that is missing.
        """
        self.run(Job(argv=("/bin/true",), cwd="/", limits=Limits(seconds=10)))


_REMEDY: Final = (
    "run on Linux 5.13 or newer with Landlock, seccomp and namespaces (as root, or with unprivileged user namespaces), "
    "use the Action (it brings its own container), or say `sandbox: off` if the code is trusted"
)
