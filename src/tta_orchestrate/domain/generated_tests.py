"""What test generation did, as a part of the summary: figures per file, drops by gate, and what a person must decide.

The entries of ``extra["targets"]`` hold names and messages of the tested repository: every text is escaped here.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from tta_orchestrate.domain.cost import NanoUsd, usd
from tta_orchestrate.domain.report import Report
from tta_orchestrate.domain.sanitiser import code_cell, markdown

_MOST: Final = 30
"""Rows of one list; the rest stands in ``findings.json``."""
_HEAD: Final = "| File | Kept | Lines | Branches | Mutants told apart | Dropped, by gate |\n|---|--:|---|---|---|---|"


def section(report: Report, room: int) -> str:
    """Return the tables in at most *room* bytes, ``""`` where nothing was tried."""
    targets = [t for t in report.extra.get("targets", ()) if isinstance(t, Mapping)]
    if not targets:
        return ""
    parts = [
        _table(targets),
        _cost_per_test(report, targets),
        _labelled(targets),
        _questions(targets),
        _notes(targets),
        _drops(targets),
    ]
    text = ""
    for part in filter(None, parts):
        longer = f"{text}\n\n{part}" if text else part
        if len(longer.encode()) > room:
            return text + "\n\nMore in `findings.json`."
        text = longer
    return text


def _table(targets: list[Mapping[str, Any]]) -> str:
    rows = [_row(target) for target in targets[:_MOST]]
    if len(targets) > _MOST:
        rows.append(f"| {len(targets) - _MOST} more in findings.json | | | | | |")
    return "\n".join(["### Tests, by file", "", _HEAD, *rows])


def _row(target: Mapping[str, Any]) -> str:
    before, after = (target["coverage"][when] or {} for when in ("before", "after"))
    dropped = ", ".join(f"{gate} {number}" for gate, number in target["dropped_by_gate"].items())
    cells = [
        code_cell(str(target["path"]), 200),
        _kept(target["kept"]),
        _change(before.get("lines"), after.get("lines"), "covered"),
        _change(before.get("branches"), after.get("branches"), "covered"),
        _change(target["mutation"]["before"], target["mutation"]["after"], "killed") + _not_run(target["mutation"]),
        markdown(dropped, 200),
    ]
    return f"| {' | '.join(cells)} |"


def _kept(kept: list[Mapping[str, Any]]) -> str:
    proving = sum(test.get("label") == "change-proving" for test in kept)
    return f"{len(kept)}, {proving} change-proving" if proving else str(len(kept))


def _not_run(mutation: Mapping[str, Any]) -> str:
    number = (mutation["after"] or {}).get("not_run", 0)
    return f", {number} not run" if number else ""


def _labelled(targets: list[Mapping[str, Any]]) -> str:
    """Return what each kept test does on the base revision; nothing where there is none."""
    kept = [(t, k) for t in targets for k in t["kept"] if k.get("label")]
    if not kept:
        return ""
    rows = [
        f"| {code_cell(str(t['path']), 150)} | {code_cell(str(k['test']).rpartition('::')[2], 120)} "
        f"| {markdown(str(k['label']), 40)} |"
        for t, k in sorted(kept, key=lambda pair: pair[1]["label"] != "change-proving")
    ]
    head = ["### What the tests say of the change", "", "| File | Test | On the base revision |", "|---|---|---|"]
    return "\n".join([*head, *_cut(rows, "| {} more | | |")])


def _change(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, what: str) -> str:
    if not before or not after:
        return "not measured"
    return f"{before[what]} → {after[what]} of {max(before['total'], after['total'])}"


def _cost_per_test(report: Report, targets: list[Mapping[str, Any]]) -> str:
    kept = sum(len(target["kept"]) for target in targets)
    if not report.cost.calls or not kept:
        return ""
    return f"**Cost per kept test:** ${usd(NanoUsd(report.cost.cash // kept))} ({kept} kept)."


def _questions(targets: list[Mapping[str, Any]]) -> str:
    asked = [(str(t["path"]), str(question)) for t in targets for question in t.get("questions", ())]
    if not asked:
        return ""
    lines = [f"- {code_cell(path, 200)}: {markdown(question, 400)}" for path, question in asked]
    return "\n".join([f"### Needs a person ({len(asked)})", "", *_cut(lines, "- {} more in findings.json")])


def _notes(targets: list[Mapping[str, Any]]) -> str:
    told = [f"- {code_cell(str(t['path']), 200)}: {markdown(str(n), 300)}" for t in targets for n in t.get("notes", ())]
    return "\n".join(["### Noted", "", *_cut(told, "- {} more in findings.json")]) if told else ""


def _drops(targets: list[Mapping[str, Any]]) -> str:
    drops = [(t, d) for t in targets for d in t["dropped"]]
    if not drops:
        return ""
    rows = [
        f"| {code_cell(str(t['path']), 150)} | {code_cell(str(d['test']), 120)} | {markdown(d['gate'], 20)} "
        f"| {markdown(str(d['reason']), 200)} |"
        for t, d in drops
    ]
    body = "\n".join(["| File | Test | Gate | Why |", "|---|---|---|---|", *_cut(rows, "| {} more | | | |")])
    return f"<details>\n<summary>Candidates not kept ({len(drops):,})</summary>\n\n{body}\n\n</details>"


def _cut(lines: list[str], more: str) -> Iterable[str]:
    return lines if len(lines) <= _MOST else [*lines[:_MOST], more.format(len(lines) - _MOST)]
