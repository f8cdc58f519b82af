"""``report``: four forms of one month, and their figures agree."""

import contextlib
import csv
import io
import json
import shutil
import subprocess
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ledgers import NOW, dollars, entry
from tta_orchestrate.cli import app
from tta_orchestrate.domain.cost import NanoUsd, Usage
from tta_orchestrate.domain.ledger import BaselineShare, ModelShare, Phase, Quality
from tta_orchestrate.ledger import lines

EVIL = "<script>alert(1)</script>=@x|##[error]"


def books():
    for number in range(1, 41):
        day = f"2026-{10 + number // 21}-{1 + number % 20:02}"
        cash = dollars(0.25) + NanoUsd(number)
        measured = BaselineShare(name="alone", measured=True, list_price=NanoUsd(2 * cash), work=cash, tasks=1)
        yield entry(
            str(number),
            day=day,
            mode=("review", "docgen", EVIL)[number % 3],
            at=NOW - timedelta(days=number),
            cash=cash,
            list_price=cash,
            calls=2,
            usage=Usage(input_tokens=100, output_tokens=10),
            by_model=(ModelShare(model=EVIL if number % 5 else "claude", calls=2, cash=cash, list_price=cash),),
            baselines=(measured,),
            quality=Quality(planned=4, done=4, gated=4, passed=3, escalated=1, judged=1, judge_ppm=900_000),
            outcome="clean",
        )
    yield entry("open", Phase.RESERVE, cash=dollars(1), expires=NOW + timedelta(hours=1))
    yield entry("lost", Phase.RESERVE, cash=dollars(2), expires=NOW - timedelta(hours=1))


def run(*argv):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = app.run(argv)
    return code, err.getvalue()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    file = folder / "ledger.jsonl"
    file.write_bytes(b"".join(lines.encode(one) + b"\n" for one in books()) + b"broken\n")
    argv = ("report", "--month", "2026-11", "--ledger", str(file), "--output", str(folder / "out"))
    assert run(*argv, "--as-of", NOW.isoformat())[0] == 0
    return folder / "out"


@pytest.fixture(scope="module")
def document(made):
    return json.loads((made / "report.json").read_text())


def test_groups_add_up_to_the_totals(document):
    total = Decimal(document["totals"]["cash_usd"])
    for name in ("by_mode", "by_repository", "by_outcome"):
        assert sum(Decimal(row["cash_usd"]) for row in document[name]) == total
    assert Decimal(document["by_day"][-1]["cumulative_usd"]) == total
    assert sum(Decimal(row["cash_usd"]) for row in document["by_model"]) == total - 3


def test_open_and_lost_reservations_count_and_are_told_apart(document):
    assert document["totals"]["open_usd"] == "1.00"
    assert document["totals"]["expired_usd"] == "2.00"


def test_the_forecast_is_the_spend_over_the_elapsed_share(document):
    elapsed = Decimal(43) / 60  # noon of the 22nd of 30 days
    forecast = Decimal(document["totals"]["cash_usd"]) / elapsed
    assert abs(Decimal(document["forecast"]["cash_usd"]) - forecast) < Decimal("1e-8")


def test_twenty_measured_tasks_are_measured_with_an_interval(document):
    [row] = document["savings"]
    assert (row["basis"], row["n"], row["percent"], row["interval"]) == ("measured", 20, "50.0", ["50.0", "50.0"])


def test_unreadable_lines_are_told(document, made):
    assert document["unreadable_lines"] == 1
    assert "1 line of the ledger cannot be read" in (made / "report.md").read_text()


class Figures(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.tags, self.addresses = {}, set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        named = dict(attrs)
        self.addresses += [named[key] for key in ("src", "href", "action") if key in named]
        if tag == "data":
            self.found[named["data-path"]] = named["value"]


def place(document, path):
    for part in path.split("."):
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def test_every_figure_of_the_page_is_the_figure_of_the_json(made, document):
    page = Figures()
    page.feed((made / "report.html").read_text())
    assert len(page.found) > 60
    for path, value in page.found.items():
        assert value == str(place(document, path)), path
    assert {"totals.cash_usd", "forecast.cash_usd", "limits.0.spent_usd", "quality.gate_pass"} <= page.found.keys()


def test_the_page_needs_nothing_else_and_runs_nothing(made):
    page = Figures()
    text = (made / "report.html").read_text()
    page.feed(text)
    assert not page.tags & {"script", "link", "img", "iframe", "form", "object"}
    assert page.addresses == []
    assert "default-src 'none'" in text


def test_the_table_has_a_line_for_each_run_and_no_formula(made, document):
    rows = list(csv.DictReader(io.StringIO((made / "report.csv").read_text(), newline="")))
    assert len(rows) == document["totals"]["runs"]
    assert sum(int(row["cash_nano_usd"]) for row in rows) == Decimal(document["totals"]["cash_usd"]) * 10**9
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())


def test_hostile_names_stay_harmless(made):
    for name in ("report.md", "report.json", "report.html"):
        text = (made / name).read_text()
        assert "##[" not in text
        if name == "report.html":
            assert "<script" not in text


@pytest.mark.skipif(not shutil.which("chromium"), reason="no browser here")
@pytest.mark.slow
def test_a_real_browser_shows_the_page_without_network(made, tmp_path):
    command = [shutil.which("chromium"), "--headless", "--no-sandbox", "--dump-dom", f"--user-data-dir={tmp_path}"]
    shown = subprocess.run([*command, Path(made / "report.html").as_uri()], capture_output=True, text=True, check=False)
    page = Figures()
    page.feed(shown.stdout)
    assert "svg" in page.tags
    assert page.found["totals.cash_usd"]


def test_the_ledger_file_of_a_fork_is_taken_in_for_its_own_run_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    artifact = tmp_path / "ledger.jsonl"
    artifact.write_bytes(b"".join(lines.encode(entry(run)) + b"\n" for run in ("7", "8")))
    argv = (
        "report",
        "--month",
        "2026-11",
        "--take-in",
        str(artifact),
        "--run-id",
        "7",
        "--output",
        str(tmp_path / "o"),
    )
    assert run(*argv)[0] == 0
    assert json.loads((tmp_path / "o/report.json").read_text())["totals"]["runs"] == 1


@pytest.mark.parametrize("wrong", [("--month", "2026-13"), ("--as-of", "soon"), ("--ledger", "/no/such/file")])
def test_wrong_words_are_told(wrong, tmp_path):
    assert run("report", *wrong, "--output", str(tmp_path))[0] == 2
