"""``tta-orchestrate plan``: the work in balanced parts, as a ``strategy.matrix``."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tta_orchestrate.cli import options
from tta_orchestrate.errors import UsageError

if TYPE_CHECKING:
    from tta_orchestrate.domain.change import Hunk
    from tta_orchestrate.domain.shards import Item
    from tta_orchestrate.settings.model import Settings
    from tta_orchestrate.workspace.git import Repository

BYTES_PER_TOKEN = 3
"""On the safe side: code takes more tokens than prose."""
OVERHEAD = 200
"""Tokens that any file costs besides its text."""


def plan(
    mode: Annotated[str, typer.Argument(metavar="review|docgen|test-gen", help="The work to be parted.")] = "review",
    base: Annotated[str | None, typer.Option(metavar="REV", help="review: compare with this commit.")] = None,
    head: Annotated[str, typer.Option(metavar="REV", help="The commit to work on.")] = "HEAD",
    shards: Annotated[int | None, typer.Option(metavar="N", help="As many parts.", min=1, max=256)] = None,
    tokens: Annotated[int, typer.Option(metavar="N", help="Without --shards: tokens in a part, about.")] = 200_000,
    config: options.Config = None,
    output: options.Output = options.DEFAULT_OUTPUT,
) -> int:
    """Part the work for several jobs: prints the matrix on one line, leaves the paths of each part in plan.json.

    Use it as `strategy.matrix: ${{ fromJSON(needs.plan.outputs.matrix) }}`, run each part with `--plan plan.json
    --shard ${{ matrix.shard }}`, and join them with `tta-orchestrate report --merge DIR`.
    """
    from tta_orchestrate.domain.shards import balance, enough, matrix
    from tta_orchestrate.workspace.git import Repository
    from tta_orchestrate.workspace.parts import PLAN, plan_document
    from tta_orchestrate.workspace.results import write_files

    if mode not in {"review", "docgen", "test-gen"}:
        raise UsageError(f"there is no mode {mode!r} to plan", remedy="choose review, docgen or test-gen")
    settings = options.settings(options.config_source(config)).settings
    with Repository.open(Path.cwd(), os.environ) as repository:
        items = _changed(repository, base, head) if mode == "review" else _sources(repository, head)
    priced = _priced(items, settings)
    parts = balance(priced, shards or enough(priced, tokens)) if priced else ()
    write_files({PLAN: json.dumps(plan_document(mode, parts), ensure_ascii=True) + "\n"}, output)
    print(json.dumps(matrix(parts), separators=(",", ":")))
    return 0


def _changed(repository: "Repository", base: str | None, head: str) -> "list[Item]":
    """Every changed file with the tokens of its diff."""
    from tta_orchestrate.domain.shards import Item
    from tta_orchestrate.modes.review import source

    revisions = (base, head) if base else repository.default_range()
    return [
        Item(path=file.path, tokens=OVERHEAD + sum(_size(hunk) for hunk in file.hunks) // BYTES_PER_TOKEN)
        for file in source.of_range(repository, *revisions).change.files
    ]


def _size(hunk: "Hunk") -> int:
    return sum(len(line) + 1 for line in hunk.body)


def _sources(repository: "Repository", head: str) -> "list[Item]":
    """Every file of a language that is understood, with the tokens of its text."""
    from tta_orchestrate.domain.shards import Item

    wanted = [path for path in repository.list_files(head) if Path(path).suffix in SOURCES]
    contents = repository.read_many(head, wanted)
    return [
        Item(path=path, tokens=OVERHEAD + len(data) // BYTES_PER_TOKEN) for path, data in contents if data is not None
    ]


SOURCES = frozenset({".py", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".java", ".kt", ".kts", ".go", ".rs"})


def _priced(items: "list[Item]", settings: "Settings") -> "list[Item]":
    """Add what the input costs at the first executor that has a price, else at the orchestrator."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from tta_orchestrate.cli.wiring import price_book

    prices = price_book(settings)
    names = [(one.provider.value, one.model) for one in settings.executors]
    names.append((settings.orchestrator.provider.value, settings.orchestrator.model))
    now = datetime.now(UTC)
    known = next(((p, m) for p, m in names if prices.is_priced(p, m, now)), None)
    if known is None:
        return items
    return [replace(one, cost=prices.worst(*known, one.tokens, 0, now)) for one in items]
