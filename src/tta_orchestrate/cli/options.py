"""Flags that several commands share, and the way from a flag to the settings."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tta_orchestrate.errors import ConfigError, UsageError
from tta_orchestrate.settings.places import DEFAULT_PATHS

if TYPE_CHECKING:
    from tta_orchestrate.settings.document import ConfigSource
    from tta_orchestrate.settings.loader import Loaded

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help=f"Configuration file.  [default: {DEFAULT_PATHS[0]}]"),
]


def _folder(text: str) -> Path:
    if not text:  # `--output "$UNSET"` would mean the current folder
        raise UsageError("--output is empty", remedy="name a folder; . is the current one")
    return Path(text)


Output = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.", parser=_folder)]
Budget = Annotated[
    str | None,
    typer.Option("--budget-usd", metavar="USD", help="Hard limit of this run, in US dollars."),
]
Batch = Annotated[
    bool,
    typer.Option("--batch", help="Send models' work to batches, at half the price; a later run collects the answers."),
]
DEFAULT_OUTPUT: Final = Path("tta-report")


def config_source(path: Path | None, *, root: Path = Path()) -> "ConfigSource | None":
    """Return the configuration file from the disk: *path*, or the one at its default place below *root*, or None.

    Raises:
        ConfigError: *path* does not exist, or what is there cannot be read.
    """
    if path is not None:
        return _read(path, str(path))
    for name in DEFAULT_PATHS:
        if os.path.lexists(root / name):
            return _read(root / name, name)
    return None


def refuse_escape(root: Path, path: str) -> None:
    """Refuse a *path* below *root* that links lead out of it: what is shown or written there is no part of the project.

    Raises:
        ConfigError: it leads outside, or in circles.
    """
    try:
        inside = (root / path).resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # a circle of links
        inside = False
    if not inside:
        from tta_orchestrate.settings.text import printable

        raise ConfigError(
            f"{printable(path, 200)} is a link that leads out of the repository",
            remedy="put a file there; a file elsewhere can be named with --config",
        )


def steering_source(read: Callable[[str], bytes | None]) -> "ConfigSource | None":
    """Return the configuration file at its default place, as *read* (a commit, a folder) gives it, or None."""
    from tta_orchestrate.settings.document import ConfigSource

    for name in DEFAULT_PATHS:
        data = read(name)
        if data is not None:
            return ConfigSource(name=name, data=data)
    return None


def settings(source: "ConfigSource | None", flags: Mapping[str, object] | None = None) -> "Loaded":
    """Return the settings of this process: *flags*, its environment, *source* and the defaults, in this order.

    Raises:
        ConfigError: everything that is wrong, a line for each problem.
    """
    from tta_orchestrate import registry
    from tta_orchestrate.settings.loader import load
    from tta_orchestrate.settings.problem import did_you_mean
    from tta_orchestrate.settings.text import printable

    loaded = load(source, env=os.environ, flags=flags or {})
    for index, name in enumerate(loaded.settings.review.checks.disable):
        known = [check.replace("_", "-") for check in registry.names("checks")]
        if name not in known:
            key = f"review.checks.disable.{index}"
            message = f"orchestration.{key}: there is no check {printable(name)}{did_you_mean(name, known)}"
            raise ConfigError(f"{loaded.origins[key]}: {message}", remedy=f"choose from: {', '.join(known)}")
    return loaded


def _read(path: Path, name: str) -> "ConfigSource":
    from tta_orchestrate.settings.document import MAX_BYTES, ConfigSource
    from tta_orchestrate.settings.text import printable

    shown = printable(name, 200)
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"{shown} is not a file", remedy="name a YAML file with --config")
        with path.open("rb") as file:
            return ConfigSource(name=name, data=file.read(MAX_BYTES + 1))
    except FileNotFoundError as error:
        remedy = f"`tta-orchestrate config init --path {shown}` writes one"
        raise ConfigError(f"there is no configuration file {shown}", remedy=remedy) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the name cannot be used"
        raise ConfigError(f"{shown} cannot be read: {reason}", remedy="check the path and its permissions") from error
