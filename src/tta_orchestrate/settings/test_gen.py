"""Section ``test_gen``: how tests are generated."""

from tta_orchestrate.settings.section import Section


class TestGen(Section):
    """How tests are generated."""
