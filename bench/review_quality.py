"""Precision, recall and cost of `tta-orchestrate review`, for any configuration.

    python bench/review_quality.py [--config FILE] [--json FILE]
    python bench/review_quality.py --aacr positive_samples.json --clones FOLDER [--negatives negative_samples.json]

Without `--aacr` it reviews the seeded changes of bench/data/seeded (bench/seeded.py says how they are written). What
counts as right is in bench/quality.py; what is assumed of AACR-Bench's form in bench/aacr.py. Shares have Wilson
intervals, F1 and noise bootstrap intervals over changes, all of 95 %. A change without a review counts as missed.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import aacr
import seeded
from quality import Claim, Label, Reviewed, grouped, matches

TOOL = str(Path(sys.executable).with_name("tta-orchestrate"))
COLUMNS = ("n", "labels", "found", "right", "precision", "recall", "F1", "exact", "overlap", "noise", "on clean")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One change to review; *build* gives its repository and the two commits, in a folder of its own."""

    name: str
    language: str
    labels: tuple[Label, ...]
    build: Callable[[Path], tuple[Path, str, str]]
    known_false: tuple[Label, ...] = ()


def seeded_tasks() -> list[Task]:
    def building(case: seeded.SeededCase) -> Callable[[Path], tuple[Path, str, str]]:
        return lambda folder: (folder / "repository", *case.build(folder / "repository"))

    return [
        Task(name=case.name, language=case.language, labels=case.labels, build=building(case)) for case in seeded.load()
    ]


def aacr_tasks(dataset: Path, clones: Path, negatives: Path | None) -> list[Task]:
    """The pull requests whose repositories are there; says how many are not."""
    refused = {pull.name: pull.labels for pull in (aacr.load(negatives) if negatives else [])}
    tasks, absent, lineless = [], 0, 0
    for pull in aacr.load(dataset):
        folder = pull.repository(clones)
        if folder is None:
            absent += 1
            continue
        lineless += pull.without_lines
        place = (folder.resolve(), pull.base, pull.head)
        tasks.append(
            Task(
                name=pull.name,
                language=pull.language,
                labels=pull.labels,
                build=lambda _folder, place=place: place,
                known_false=refused.get(pull.name, ()),
            )
        )
    print(f"{dataset.name}: {len(tasks)} pull requests; {absent} without a clone, {lineless} comments without lines")
    return tasks


def run(task: Task, config: Path | None) -> Reviewed:
    outcome = Reviewed(name=task.name, language=task.language, labels=task.labels, known_false=task.known_false)
    with tempfile.TemporaryDirectory() as temporary:
        try:
            repository, base, head = task.build(Path(temporary))
        except (OSError, subprocess.CalledProcessError) as error:
            return replace(outcome, failure=str(error))
        out = Path(temporary) / "report"
        argv = [TOOL, "review", "--base", base, "--head", head, "--output", str(out)]
        argv += ["--config", str(config.resolve())] if config else []
        done = subprocess.run(argv, cwd=repository, capture_output=True, text=True, check=False)
        try:
            report = json.loads((out / "findings.json").read_text(encoding="utf-8"))
            costs = json.loads((out / "cost-report.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return replace(outcome, failure=f"exit {done.returncode}: {done.stderr.strip()[-300:]}")
    performed = report["outcome"] in {"clean", "findings", "partial"}
    return replace(
        outcome,
        claims=tuple(_claim(finding) for finding in report["findings"]),
        usd=Decimal(costs["totals"]["list_usd"]),
        failure="" if performed else f"outcome {report['outcome']}, exit {done.returncode}",
        complete=report["outcome"] != "partial",
    )


def _claim(finding: dict[str, object]) -> Claim:
    return Claim(
        path=str(finding["path"]),
        start=int(str(finding["start_line"])),
        end=int(str(finding["end_line"])),
        side=str(finding["side"]),
        category=str(finding["category"]),
        rule=str(finding["rule"]),
        title=str(finding["title"]),
    )


def report(changes: Sequence[Reviewed], what: str) -> dict[str, object]:
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "what": what,
        **grouped(changes),
        "changes": [
            {**asdict(change), "usd": str(change.usd), "right": sorted(matches(change.claims, change.labels))}
            for change in changes
        ],
    }


def table(result: dict[str, object]) -> str:
    rows = [f"{'':24}" + "".join(f"{name:>10}" for name in COLUMNS)]
    for group in ("all", "language", "category"):
        for name, figures in result[group].items():  # type: ignore[attr-defined]
            rows.append(_row(name if group == "all" else f"{group} {name}", figures))
            if group == "all":
                rows += [_intervals(figures), ""]
    everything = result["all"]["all"]  # type: ignore[index]
    per = everything["usd_per_accepted_finding"]
    rows += [
        "",
        f"noise: wrong findings a change; on clean: findings on each of {everything['clean']} clean changes",
        f"cost: {everything['usd']} USD, a right finding {per or 'undefined'} USD",
        f"without a review: {everything['failed']}; partly reviewed: {everything['partial']}",
        f"findings where annotators refused one: {everything['repeats_false']}",
    ]
    return "\n".join(rows)


def _row(name: str, figures: dict[str, object]) -> str:
    shares = ("precision", "recall", "f1", "line_exact", "line_overlap", "noise_per_change", "noise_per_clean_change")
    numbers = "".join(f"{figures[key]:>10}" for key in ("changes", "labels", "claims", "right"))
    return f"{name[:23]:24}{numbers}" + "".join(f"{_number(figures[key]['value']):>10}" for key in shares)  # type: ignore[index]


def _intervals(figures: dict[str, object]) -> str:
    named = {
        "precision": "precision",
        "recall": "recall",
        "F1": "f1",
        "exact": "line_exact",
        "noise": "noise_per_change",
        "on clean": "noise_per_clean_change",
    }
    ends = {name: figures[key]["interval"] for name, key in named.items()}  # type: ignore[index]
    shown = [f"{name} {_number(e[0])}-{_number(e[1])}" for name, e in ends.items() if e]
    return "  95 %: " + ", ".join(shown)


def _number(value: object) -> str:
    return "-" if value is None else f"{value:.2f}"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--config", type=Path, help="configuration of the review; without it, the defaults")
    arguments.add_argument("--json", type=Path, help="write all figures, and every finding, to this file")
    arguments.add_argument("--jobs", type=int, default=2, help="reviews at the same time")
    arguments.add_argument("--aacr", type=Path, help="a dataset in AACR-Bench's form instead of the seeded changes")
    arguments.add_argument("--clones", type=Path, help="folder with the dataset's repositories")
    arguments.add_argument("--negatives", type=Path, help="comments that annotators refused, in the same form")
    options = arguments.parse_args()
    if options.aacr and not options.clones:
        arguments.error("--aacr needs --clones")
    try:
        tasks = aacr_tasks(options.aacr, options.clones, options.negatives) if options.aacr else seeded_tasks()
    except aacr.DatasetError as error:
        arguments.error(str(error))
    with ThreadPoolExecutor(options.jobs) as pool:
        changes = list(pool.map(lambda task: run(task, options.config), tasks))
    what = f"{options.aacr.name if options.aacr else 'seeded'}, configuration {options.config or 'default'}"
    result = report(changes, what)
    print(f"{result['date']}  {result['machine']}\n{what}\n\n{table(result)}")
    for change in changes:
        if change.failure:
            print(f"no review of {change.name}: {change.failure}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.exit(any(change.failure for change in changes))


if __name__ == "__main__":
    main()
