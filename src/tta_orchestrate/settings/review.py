"""Section ``review``: how changes are reviewed."""

from tta_orchestrate.settings.section import Section


class Review(Section):
    """How changes are reviewed."""
