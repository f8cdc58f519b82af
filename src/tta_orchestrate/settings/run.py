"""Section ``run``: how the Action runs: events, publishing."""

from tta_orchestrate.settings.section import Section


class Run(Section):
    """How the Action runs: events, publishing."""
