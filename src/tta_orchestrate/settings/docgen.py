"""Section ``docgen``: how documentation is made."""

from tta_orchestrate.settings.section import Section


class Docgen(Section):
    """How documentation is made."""
