"""``tta-orchestrate config init | check | show | schema``."""

import json
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tta_orchestrate.cli import options
from tta_orchestrate.errors import ConfigError
from tta_orchestrate.settings.places import DEFAULT_PATHS

if TYPE_CHECKING:
    from tta_orchestrate.settings.document import ConfigSource
    from tta_orchestrate.settings.loader import Loaded

app = typer.Typer(no_args_is_help=True, help="Write, check and explain the configuration.")


class Format(StrEnum):
    """How ``config show`` prints."""

    TABLE = "table"
    JSON = "json"


@app.command()
def init(
    path: Annotated[Path, typer.Option("--path", metavar="FILE", help="Where to write.")] = Path(DEFAULT_PATHS[0]),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is already there.")] = False,
) -> None:
    """Write a commented configuration file with every key and its default."""
    from tta_orchestrate.settings.template import template
    from tta_orchestrate.settings.text import printable

    shown = printable(str(path), 200)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(template())
    except FileExistsError as error:
        raise ConfigError(
            f"{shown} is already there", remedy="replace it with --force, or choose another --path"
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the name cannot be used"
        raise ConfigError(f"{shown} cannot be written: {reason}", remedy="choose another --path") from error
    print(f"wrote {shown}")


@app.command()
def check(config: options.Config = None) -> None:
    """Check the configuration, and say which keys do not act yet."""
    from tta_orchestrate.settings.shape import not_yet_acting

    source = options.config_source(config)
    loaded = options.settings(source)
    print(f"ok: {_name(source)}")
    for warning in loaded.warnings:
        print(f"warning: {warning}")
    waiting = not_yet_acting()
    if waiting:
        print("not yet acting (read and validated, without effect in this version):")
    for key in waiting:
        print(f"  {key}")


@app.command()
def show(
    config: options.Config = None,
    output_format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
) -> None:
    """Show every value and where it comes from: flag, environment, file or default."""
    source = options.config_source(config)
    loaded = options.settings(source)
    if output_format is Format.JSON:
        values = [{"key": key, "value": value, "origin": origin} for key, value, origin in _rows(loaded)]
        text = json.dumps({"schema_version": "1", "source": _name(source), "settings": values}, indent=2, default=str)
        print(text.replace("##[", "#\\u0023["))  # the same JSON, but no command to a runner that reads the log
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from tta_orchestrate.settings.text import printable

    table = Table("key", "value", "origin", box=None, pad_edge=False)
    for key, value, origin in _rows(loaded):
        word = str(value) if isinstance(value, str | Decimal) else json.dumps(value)
        table.add_row(*(Text(cell, overflow="fold") for cell in (key, printable(word, 1000), origin)))
    Console().print(table)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration file."""
    from tta_orchestrate.settings.schema import text

    print(text(), end="")


def _name(source: "ConfigSource | None") -> str:
    from tta_orchestrate.settings.text import printable

    return printable(source.name, 200) if source else f"no file at {DEFAULT_PATHS[0]}; every key has its default"


def _rows(loaded: "Loaded") -> Iterator[tuple[str, object, str]]:
    from tta_orchestrate.settings.shape import leaves
    from tta_orchestrate.settings.text import dotted

    for path, value in leaves(loaded.settings):
        key = dotted(path)
        yield key, value, str(loaded.origins[key])
