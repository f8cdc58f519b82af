"""``tta-orchestrate review``."""


def review() -> None:
    """Review a change."""
