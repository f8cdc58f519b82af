"""Reviews of small changes, made from two sets of files by the real git."""

import tempfile
from pathlib import Path

from repos import make_repo
from tta_orchestrate.domain.report import Subject
from tta_orchestrate.domain.skips import Skipper, SkipRules
from tta_orchestrate.modes.review.request import ReviewRequest
from tta_orchestrate.modes.review.run import review
from tta_orchestrate.modes.review.source import of_range
from tta_orchestrate.workspace.git import Repository


class Project:
    """A repository with one commit for each set of files; ``None`` as text removes a file."""

    def __init__(self, folder, *states):
        self.repo = make_repo(Path(folder))
        self.commits = [self.push(state) for state in states]

    def push(self, files):
        """Commit *files* on top; returns the commit."""
        for path, text in files.items():
            if text is None:
                (self.repo.path / path).unlink()
            else:
                self.repo.write(path, text)
        return self.repo.commit()

    def request(self, base, head, **fields):
        """The request to review what lies between two commits, without any check unless said."""
        with Repository.open(self.repo.path, {"PATH": "/usr/bin:/bin", "HOME": str(self.repo.path)}) as repository:
            source = of_range(repository, base, head)
            paths = [file.path for file in source.change.files]
            heads = dict(source.read_head(paths))
        title = fields.pop("title", "")
        values = {
            "change": source.change,
            "skipper": Skipper(SkipRules(), {}),
            "checks": (),
            "read_head": lambda wanted: ((path, heads.get(path)) for path in wanted),
            "subject": Subject(base=source.change.base, head=source.change.head, title=title),
            "is_ancestor": self.is_ancestor,
            **fields,
        }
        return ReviewRequest(**values)

    def review(self, base, head, **fields):
        """The report on what lies between two commits."""
        return review(self.request(base, head, **fields))

    def is_ancestor(self, old, new):
        """Whether *old* is an ancestor of *new*."""
        try:
            self.repo.git("merge-base", "--is-ancestor", old, new)
        except RuntimeError:
            return False
        return True


def reviewed(before, after, **fields):
    """The report on one change of files, in a repository that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(folder, before, after)
        return project.review(*project.commits, **fields)


class Shelf(dict):
    """A store of the memory's kind."""

    def put(self, key, value):
        self[key] = value
