"""The HTML page: whole, harmless, without network, with the numbers of the JSON."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tta_orchestrate.domain.bars import bar
from tta_orchestrate.domain.cost import Baseline, BudgetState, Call, CostReport, NanoUsd, Usage
from tta_orchestrate.domain.cost_summary import document
from tta_orchestrate.domain.outcome import Outcome, conclude
from tta_orchestrate.domain.report import Report
from tta_orchestrate.sinks.cost_report_html import SINK

VOID = {"meta", "br", "link", "img", "input", "rect"}


class Page(HTMLParser):
    """A strict enough reader: every tag closed in order, all text and attributes kept."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def call(**fields):
    return Call(**({
        "provider": "groq", "request_model": "m", "response_model": "m", "role": "executor", "stage": "execute", "unit": "u",
        "usage": Usage(input_tokens=1000, cache_read_tokens=300, output_tokens=70, thinking_tokens=20), "cash": NanoUsd(1_230_000), "list_price": NanoUsd(1_230_000),
    } | fields))  # fmt: skip


def report(*calls, **cost):
    return Report(mode="review", verdict=conclude(Outcome.CLEAN), cost=CostReport(calls=calls, **cost))


def test_the_page_tells_the_figures_of_the_json():
    cost = report(
        call(), call(request_model="big", response_model="big", role="orchestrator", stage="judge", outcome="refusal"),
        budgets=(BudgetState(name="run", limit=NanoUsd(10**9), settled=NanoUsd(2_460_000)),),
        baselines=(Baseline(name="big alone", basis="modelled", list_price=NanoUsd(10**7), tasks=3),),
    )  # fmt: skip
    json, page = document(cost.cost), Page(SINK.render(cost))
    told = re.sub(r"\s+", " ", page.text)
    for figure in (
        json["totals"]["cash_usd"],
        json["savings"]["percent"],
        "1,400 in",
        "modelled",
        "n = 3",
        "refusal",
        "big alone",
    ):
        assert figure.replace("1,400 in", "2,000") in told


def test_a_run_without_calls_says_so():
    assert "No model was called" in SINK.render(report())


def test_negative_savings_stay():
    worse = report(call(), baselines=(Baseline(name="b", basis="modelled", list_price=NanoUsd(1_000_000), tasks=1),))
    assert "-23.0 %" in SINK.render(worse)


def test_nothing_is_loaded_and_nothing_can_run():
    page = Page(SINK.render(report(call())))
    assert not {"script", "img", "link", "iframe", "object", "form", "a"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not {"src", "href", "srcset", "onload", "style", "action"} & names
    assert "url(" not in SINK.render(report(call()))


@given(st.text(max_size=60))
def test_hostile_names_stay_text(name):
    hostile = f'<script>"{name}&</title>'
    page = Page(
        SINK.render(
            report(
                call(unit=hostile, request_model=hostile, response_model=hostile, stage=hostile, outcome=hostile),
                notes=(hostile,),
            )
        )
    )
    assert "script" not in page.tags


@given(st.lists(st.integers(0, 10**12), max_size=5), st.integers(0, 10**12))
def test_a_bar_never_leaves_its_frame(amounts, spare):
    drawn = bar([("a", amount) for amount in amounts], sum(amounts) + spare, "label")
    for x, width in re.findall(r'x="([\d.]+)" width="([\d.]+)"', drawn):
        assert float(x) <= 1000
        assert float(x) + float(width) <= 1002


@pytest.mark.parametrize("scheme", ["light dark"])
def test_the_page_follows_the_readers_colours(scheme):
    text = SINK.render(report(call()))
    assert f"color-scheme:{scheme}" in text
    assert "prefers-color-scheme:dark" in text
