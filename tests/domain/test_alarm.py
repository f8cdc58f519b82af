"""Which alerts are due."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from ledgers import NOW, dollars, entry
from samples import call
from tta_orchestrate.domain.alarm import Rules, due
from tta_orchestrate.domain.alarm import entry as told
from tta_orchestrate.domain.ledger import Book, Limit, Quality, Window

MONTH = Limit(window=Window.MONTH, amount=dollars(100))
THRESHOLDS = (Decimal("0.5"), Decimal("0.8"), Decimal(1))


def rules_of(cash, *, now=NOW, **changes):
    run = entry("1", cash=dollars(cash), at=now)
    book = Book(entries=(run,))
    return [one.rule for one in due(book, Rules(limits=(MONTH,), thresholds=THRESHOLDS, **changes), run, (), now)]


def test_each_threshold_speaks_once_it_is_reached_and_only_the_highest():
    assert rules_of(49) == []
    assert rules_of(50) == ["month at 50 %"]
    assert rules_of(70) == ["month at 50 %"]
    assert "month at 80 %" in rules_of(80)
    assert rules_of(100) == ["month at 100 %"]


def test_the_forecast_speaks_before_the_limit_is_reached_and_not_in_the_first_days():
    assert "month forecast" in rules_of(75)
    assert rules_of(71) == ["month at 50 %"]
    assert "month forecast" not in rules_of(49, now=NOW.replace(day=2))
    assert "month forecast" not in rules_of(75, forecast=False)


def test_a_drop_of_quality_speaks_when_enough_was_gated():
    days = [entry(str(d), day=f"2026-11-{d:02}", quality=Quality(gated=10, passed=9)) for d in range(1, 6)]
    bad = entry("6", day="2026-11-06", quality=Quality(gated=10, passed=2))
    rules = Rules(quality_drop_ppm=100_000, forecast=False)
    assert not due(Book(entries=tuple(days)), rules, days[-1], (), NOW)
    [found] = due(Book(entries=(*days, bad)), rules, bad, (), NOW)
    assert found.rule == "quality of review"
    assert "0.2100" in found.text
    few = [replace(one, quality=Quality(gated=1, passed=one is not bad)) for one in (*days, bad)]
    assert not due(Book(entries=tuple(few)), rules, few[-1], (), NOW)


def test_a_model_near_its_end_is_named():
    rules = Rules(retirement_days=30, retires={"claude-sonnet-4-5": date(2026, 11, 30), "later": date(2027, 11, 30)})
    [found] = due(Book(), rules, entry("1"), (), NOW)
    assert found.title == "claude-sonnet-4-5 is retired on 2026-11-30"
    [gone] = due(Book(), replace(rules, retires={"old": date(2026, 11, 1)}), entry("1"), (), NOW)
    assert gone.severe


def test_new_price_data_is_told_against_the_run_before():
    before = entry("1", price_data="prices 1", at=NOW - timedelta(hours=1))
    run = entry("2", price_data="prices 2")
    [found] = due(Book(entries=(before, run)), Rules(), run, (), NOW)
    assert found.text.startswith("From prices 1 to prices 2")
    assert not due(Book(entries=(before, run)), Rules(), replace(run, price_data="prices 1"), (), NOW)


def test_a_provider_that_failed_to_the_end_counts_as_given_up():
    bad = [call(outcome="overloaded") for _ in range(3)]
    assert [one.title for one in due(Book(), Rules(), entry("1"), bad, NOW)] == ["google was given up for gemini-flash"]
    assert not due(Book(), Rules(), entry("1"), [*bad, call()], NOW)
    assert not due(Book(), Rules(breaker=False), entry("1"), bad, NOW)


def test_a_told_alert_has_the_key_of_its_rule_and_period():
    run = entry("1", cash=dollars(80))
    [first, *_] = due(Book(entries=(run,)), Rules(limits=(MONTH,), thresholds=THRESHOLDS), run, (), NOW)
    again = replace(run, run_id="2", day="2026-11-30")
    assert told(first, run, NOW).key == told(first, again, NOW).key == ("2026-11", 0, "month at 80 %", "alert")
