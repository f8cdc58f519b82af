"""Dashboards ask only for what is emitted; metrics.prom is Prometheus' own format."""

import json
import re
from pathlib import Path

import pytest

from samples import EVERYTHING, hostile
from tta_orchestrate.domain.accounts import Question, accounts
from tta_orchestrate.sinks.metrics_prom import SINK
from tta_orchestrate.telemetry import dashboards
from tta_orchestrate.telemetry.semconv import INSTRUMENTS

ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(r'([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (-?[0-9.]+|\+Inf)')


def emitted():
    names = {}
    for line in SINK.render(EVERYTHING).splitlines():
        if not line.startswith("#"):
            name, labels, _ = LINE.fullmatch(line).groups()
            names.setdefault(name, set()).update(re.findall(r'([a-z_]+)="', labels))
    return names


@pytest.mark.parametrize("panel", dashboards.PROMETHEUS_PANELS, ids=lambda panel: panel[0])
def test_every_query_asks_for_emitted_names_and_labels(panel):
    query = panel[2]
    names = emitted()
    asked = set(re.findall(r"\b(?:tta|gen_ai)_[a-z_]+", query))
    assert asked
    assert asked <= set(names)
    labels = {part.strip() for group in re.findall(r"by \(([^)]*)\)", query) for part in group.split(",")}
    labels |= set(re.findall(r"[{,]([a-z]+)=", query))
    for name in asked:
        assert labels <= names[name]


def test_every_instrument_is_emitted_with_its_labels():
    names = emitted()
    for one in INSTRUMENTS:
        name = f"{one.prometheus}_bucket" if one.kind == "histogram" else one.prometheus
        assert set(one.labels) <= names[name]


def test_every_panel_of_the_ledger_names_a_place_of_the_report():
    from random import Random

    from ledgers import NOW, entry
    from tta_orchestrate.domain.ledger import BaselineShare, Limit, ModelShare, Quality, Window

    baseline = BaselineShare(name="b", measured=False, list_price=10, work=5, tasks=1)
    quality = Quality(gated=4, passed=3)
    one = entry(baselines=(baseline,), by_model=(ModelShare(model="m"),), quality=quality)
    limits = (Limit(window=Window.MONTH, amount=10),)
    document = accounts([one], Question(month="2026-11", now=NOW, random=Random(1), limits=limits))
    for _, _, root, figure in dashboards.LEDGER_PANELS:
        value = document
        for part in root.split("."):
            value = value[part]
        row = value[0] if isinstance(value, list) else value
        assert figure in row
        assert all(label["selector"] in row for label in dashboards._label(root))


def test_the_committed_dashboards_are_fresh():
    for name, board in (("prometheus", dashboards.prometheus()), ("ledger", dashboards.ledger())):
        committed = json.loads((ROOT / f"dashboards/grafana-{name}.json").read_text())
        assert committed == board, "run `make dashboards`"


def test_hostile_labels_stay_on_their_lines():
    for line in SINK.render(hostile()).splitlines():
        assert line.startswith("# ") or LINE.fullmatch(line), line
