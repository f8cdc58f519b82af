import io
import re
from pathlib import Path

import pytest

from oracles import runner_commands
from samples import EVERYTHING, OUTCOMES, SECRET, hostile
from tta_orchestrate.cli.console import is_rich, show

FILES = [Path("out/findings.json"), Path("out/summary.md")]


class Terminal(io.TextIOWrapper):
    def __init__(self, *, encoding="utf-8", tty=True):
        super().__init__(io.BytesIO(), encoding=encoding, newline="")
        self.tty = tty

    def isatty(self):
        return self.tty

    def text(self):
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)


def printed(report, environ, **terminal):
    out = Terminal(**terminal)
    show(report, FILES, out, environ)
    return out.text()


def test_a_log_gets_one_finding_a_line_and_the_verdict():
    lines = printed(EVERYTHING, {}, tty=False).splitlines()
    assert lines[1] == "shop/cart.py:12: high ruff:S602: A shell runs what a caller passes in"
    assert "outcome: findings" in lines
    assert "4 findings: 1 critical, 1 high, 1 medium, 1 low. The fail_on policy is met." in lines
    assert lines[-1] == "reports: out/ (findings.json, summary.md)"
    assert "\x1b" not in "".join(lines)


def test_a_terminal_gets_a_table_with_colours_unless_told_not_to():
    report = OUTCOMES["findings"]
    assert "\x1b[1;31mhigh" in printed(report, {"TERM": "xterm-256color", "COLUMNS": "120"})
    raw = printed(report, {"TERM": "xterm-256color", "NO_COLOR": "1"})
    assert "\x1b[1;31m" not in raw
    plain = re.sub(r"\x1b\[[0-9;]*m", "", raw)
    assert "no model has read this change" in " ".join(plain.split())


@pytest.mark.parametrize(
    ("environ", "terminal", "rich"),
    [
        ({}, {}, True),
        ({"NO_COLOR": "1"}, {}, True),
        ({"CI": "true"}, {}, False),
        ({"TERM": "dumb"}, {}, False),
        ({}, {"tty": False}, False),
        ({}, {"encoding": "ascii"}, False),
    ],
)
def test_only_a_persons_terminal_is_rich(environ, terminal, rich):
    assert rich == is_rich(Terminal(**terminal), environ)


def test_an_ascii_log_does_not_break():
    assert "gr\\xf6\\xdfe" in printed(EVERYTHING, {}, tty=False, encoding="ascii")


@pytest.mark.parametrize(
    "terminal", [{"tty": False}, {"tty": False, "encoding": "ascii"}, {}], ids=["log", "ascii", "terminal"]
)
def test_hostile_text_moves_nothing_and_commands_nothing(terminal):
    text = printed(hostile(), {"TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "200"}, **terminal)
    assert runner_commands(text) == []
    assert SECRET not in text
    ours = {"\n", "\u200b"} | ({"\x1b"} if not terminal else set())  # rich makes text bold and dim
    assert [hex(ord(char)) for char in set(text) if char not in ours and not char.isprintable()] == []
    assert "\x1b]" not in text
    assert "\x1b[2J" not in text


@pytest.mark.parametrize("report", OUTCOMES.values())
def test_every_outcome_is_told(report):
    assert f"outcome: {report.verdict.outcome.value}" in printed(report, {"CI": "true"}).splitlines()
