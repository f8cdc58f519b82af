"""Section ``run``: how the Action runs: events, publishing."""

from pydantic import Field

from tta_orchestrate.settings.section import Section


class Run(Section):
    """How the Action runs: events, publishing."""

    skip_drafts: bool = True
    """Leave draft pull requests alone."""
    skip_authors: tuple[str, ...] = Field(default=(), examples=[["renovate[bot]"]])
    """Logins whose pull requests are left alone."""
    skip_labels: tuple[str, ...] = ("tta: skip",)
    """Labels that make a pull request be left alone."""
    skip_titles: tuple[str, ...] = Field(default=(), examples=[["wip*", "*do not merge*"]])
    """Patterns of titles, as in a shell and without regard to case, that make a pull request be left alone."""
    comments: bool = False
    """Also post findings as review comments with suggestions; input `comments` sets the same."""
    sticky_comment: bool = False
    """Keep one comment on the pull request up to date with the summary."""
