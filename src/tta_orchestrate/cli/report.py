"""``tta-orchestrate report``: a month in figures from the ledger, or the shards of one run as one report."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tta_orchestrate.cli import options
from tta_orchestrate.errors import UsageError


def report(
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="The month.  [default: this one]")] = None,
    ledger: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Read this ledger file; may be repeated.  [default: the configured store]"),
    ] = None,
    as_of: Annotated[str | None, typer.Option(metavar="TIME", help="Look from this time on (ISO 8601, UTC).")] = None,
    merge: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Instead: join the reports of a run's parts; may be repeated."),
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --merge: a part of this plan that is missing is told.")
    ] = None,
    take_in: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Write the entries of a downloaded ledger.jsonl into the configured store."),
    ] = None,
    run_id: Annotated[
        str, typer.Option(metavar="ID", help="With --take-in: only entries of this run, when the artifact is a fork's.")
    ] = "",
    issue: Annotated[
        str, typer.Option(metavar="TITLE", help="Keep one issue up to date with it; in a workflow, with issues: write.")
    ] = "",
    config: options.Config = None,
    output: options.Output = options.DEFAULT_OUTPUT,
) -> int:
    """Report spend, forecast, savings and quality of a month: Markdown, JSON, CSV and one HTML page."""
    if merge:
        return _merged(merge, plan, output)
    from random import Random

    from tta_orchestrate.cli import books
    from tta_orchestrate.domain.accounts import HISTORY, Question, accounts, months_back
    from tta_orchestrate.domain.ledger import stands
    from tta_orchestrate.ledger.forms import MARKDOWN, render

    now = _moment(as_of)
    settings = options.settings(options.config_source(config)).settings
    if take_in:
        print(f"{books.take_in(settings, take_in, run_id)} new entries")
    wanted = _month(month) or now.strftime("%Y-%m")
    months = months_back(wanted, HISTORY)
    book = books.reading(settings, tuple(ledger or ()), months)
    question = Question(
        month=wanted,
        now=now,
        limits=books.limits(settings),
        zone=settings.cost_tracking.zone,
        random=Random(wanted),  # noqa: S311 -- the bootstrap
    )
    document = accounts(book.entries, question, book.unreadable)
    here = [one for one in stands(book.entries, now) if one.entry.month == wanted]
    texts = render(document, here)
    _write(texts, output)
    totals = document["totals"]
    print(f"{wanted}: ${totals['cash_usd']} in {totals['runs']} runs; {', '.join(texts)} in {output}")
    if issue:
        print(_kept(issue, texts[MARKDOWN], os.environ))
    return 0


def _kept(title: str, text: str, environ: Mapping[str, str]) -> str:
    """Bring the one issue of this repository up to date; return its address."""
    from tta_orchestrate.github.api import GitHub
    from tta_orchestrate.github.publish.issue import keep_issue
    from tta_orchestrate.ledger.forms.markdown import MARKER

    name, token = environ.get("GITHUB_REPOSITORY", ""), environ.get("GITHUB_TOKEN") or environ.get("GH_TOKEN") or ""
    if not name or not token:
        remedy = "set GITHUB_REPOSITORY and GITHUB_TOKEN; the job needs issues: write"
        raise UsageError("--issue needs a repository and a token", remedy=remedy)
    api = GitHub(name, token, api_url=environ.get("GITHUB_API_URL") or "https://api.github.com")
    try:
        return keep_issue(api, title, text, MARKER)
    finally:
        api.close()


def _merged(folders: list[Path], plan: Path | None, output: Path) -> int:
    """Join the reports of a run's parts; a folder named ``…-N`` or ``N`` is part N of the plan."""
    import re

    from tta_orchestrate.cli import delivery
    from tta_orchestrate.domain.shards import joined
    from tta_orchestrate.workspace.parts import missing_of, part_report

    places = sorted({file.parent for folder in folders for file in folder.rglob("findings.json")})
    if not places:
        raise UsageError("there is no findings.json below --merge", remedy="download the artifacts first")
    numbers = [int(match[1]) for place in places if (match := re.search(r"(\d+)$", place.name))]
    missing = missing_of(plan, numbers) if plan else ()
    return delivery.deliver(joined([part_report(place) for place in places], missing), output)


def _month(text: str | None) -> str:
    from tta_orchestrate.domain.ledger import MONTH

    if text is not None and not MONTH.fullmatch(text):
        raise UsageError("--month wants a month like 2026-11", remedy="write the year, a hyphen, and two digits")
    return text or ""


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError("--as-of wants a time like 2026-11-22T12:00:00Z", remedy="write ISO 8601") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _write(texts: dict[str, str], output: Path) -> None:
    from tta_orchestrate.workspace.results import write_files

    write_files(texts, output)
