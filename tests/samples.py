"""Sample reports for every test that needs one: each outcome, one with everything in it, and a hostile one."""

from dataclasses import replace

from tta_orchestrate.domain.change import Side
from tta_orchestrate.domain.cost import Baseline, BudgetState, Call, CostReport, NanoUsd, Usage
from tta_orchestrate.domain.finding import (
    Candidate,
    Category,
    Finding,
    Rejected,
    Rejection,
    Severity,
    Suggestion,
    fingerprint,
)
from tta_orchestrate.domain.outcome import Outcome, conclude
from tta_orchestrate.domain.report import Coverage, Failure, Report, Skipped, SkipReason, Subject

SECRET = "AKIAQ7EXAMPLE4SAMPLE"
HEAD = "0123456789abcdef0123456789abcdef01234567"
BASE = "89abcdef0123456789abcdef0123456789abcdef"

SUBJECT = Subject(
    repository="acme/shop",
    base=BASE,
    head=HEAD,
    title="Speed up the checkout",
    server_url="https://github.com",
)


def finding(**changes) -> Finding:
    """A believable finding; any field can be said otherwise."""
    values = {
        "path": "shop/cart.py",
        "start_line": 12,
        "end_line": 12,
        "quote": "    subprocess.run(command, shell=True)",
        "rule": "ruff:S602",
        "category": Category.SECURITY,
        "severity": Severity.HIGH,
        "source": "ruff",
        "title": "A shell runs what a caller passes in",
        "message": "`subprocess` call with `shell=True` identified.\n\nPass a list instead.",
        "symbol": "Cart.checkout",
        **changes,
    }
    identity = {key: values[key] for key in ("path", "quote", "rule", "symbol")}
    return Finding(**{"fingerprint": fingerprint(**identity), **values})


def candidate(**changes) -> Candidate:
    """A claim that did not get through."""
    values = {
        "path": "shop/stock.py",
        "start_line": 3,
        "end_line": 4,
        "quote": "no such words",
        "rule": "null-dereference",
        "category": Category.BUG,
        "severity": Severity.MEDIUM,
        "source": "gemini-flash",
        "title": "May be None",
        "message": "It may be None here.",
        "confidence": 0.7,
        **changes,
    }
    return Candidate(**values)


def call(**changes) -> Call:
    """A call that worked."""
    values = {
        "provider": "google",
        "request_model": "gemini-flash",
        "response_model": "gemini-flash-002",
        "role": "executor",
        "stage": "execute",
        "unit": "shop/cart.py",
        "usage": Usage(input_tokens=1000, cache_read_tokens=400, output_tokens=200, thinking_tokens=50),
        "cash": NanoUsd(0),
        "list_price": NanoUsd(1_250_000),
        "started_at": "2026-11-22T10:00:00Z",
        "duration_ms": 830,
        "finish_reason": "stop",
        **changes,
    }
    return Call(**values)


COST = CostReport(
    calls=(
        call(outcome="rate_limit", usage=Usage(), list_price=NanoUsd(0), finish_reason=""),
        call(attempt=2),
        call(
            provider="anthropic",
            request_model="claude-judge",
            response_model="claude-judge-5",
            role="orchestrator",
            stage="judge",
            cash=NanoUsd(12_345_678),
            list_price=NanoUsd(12_345_678),
        ),
    ),
    budgets=(BudgetState(name="run", limit=NanoUsd(1_000_000_000), settled=NanoUsd(12_345_678)),),
    baselines=(Baseline(name="claude-judge-5 alone", basis="modelled", list_price=NanoUsd(95_000_000), tasks=1),),
    price_data="genai-prices 2026-11-01",
)

FINDINGS = (
    finding(
        help_url="https://docs.astral.sh/ruff/rules/subprocess-popen-with-shell-equals-true",
        suggestion=Suggestion(start_line=12, end_line=12, text="    subprocess.run(shlex.split(command))"),
    ),
    finding(
        path="shop/keys.py",
        start_line=3,
        end_line=3,
        quote=f'KEY = "{SECRET}"',
        rule="secret:aws-access-key",
        severity=Severity.CRITICAL,
        source="secrets",
        title="An AWS access key stands in the source",
        message="Whoever reads the repository has it. Revoke it, then read it from the environment.",
        symbol="",
        redact=(SECRET,),
    ),
    finding(
        path="shop/größe naïve.py",
        start_line=40,
        end_line=42,
        quote="for item in items:\n\ttotal = total + item\r\nreturn total",
        rule="ruff:B023",
        category=Category.BUG,
        severity=Severity.MEDIUM,
        title="Function definition does not bind loop variable `item`",
        message="Function definition does not bind loop variable `item`",
        symbol="",
    ),
    finding(
        path="shop/old.py",
        side=Side.LEFT,
        start_line=9,
        end_line=9,
        quote="assert paid",
        rule="removed-check",
        category=Category.RELIABILITY,
        severity=Severity.LOW,
        confidence=0.8,
        source="gemini-flash",
        title="The last check of the payment is removed",
        message="Nothing else looks at `paid`.",
        symbol="",
    ),
)

_FULL = Coverage(
    files_changed=7,
    files_reviewed=4,
    lines_changed=120,
    lines_reviewed=96,
    units_planned=8,
    units_done=8,
    performed_by=("ruff", "secrets", "gemini-flash-002", "claude-judge-5"),
)
_SKIPPED = (
    Skipped(path="uv.lock", reason=SkipReason.LOCK_FILE),
    Skipped(path="logo.png", reason=SkipReason.BINARY, detail="12 kB"),
    Skipped(path="dist/app|min.js", reason=SkipReason.MINIFIED),
)
_FAILURES = (Failure(unit="execute", path="shop/big.py", reason="rate limit: the quota of the day is used up"),)

EVERYTHING = Report(
    mode="review",
    verdict=conclude(Outcome.FINDINGS, fail_on_met=True),
    findings=FINDINGS,
    rejected=(
        Rejected(candidate=candidate(), reason=Rejection.QUOTE_ABSENT, detail="these words stand nowhere in the file"),
        Rejected(candidate=candidate(rule="E501", source="ruff"), reason=Rejection.RULE_OFF),
    ),
    skipped=_SKIPPED,
    coverage=_FULL,
    subject=SUBJECT,
    cost=COST,
    notices=("gemini-2.5-pro goes on 2026-12-01; gemini-3-pro was used",),
)

_LOCAL = replace(_FULL, performed_by=("ruff", "secrets", "workflow"))
_NONE_DONE = replace(_LOCAL, files_reviewed=0, lines_reviewed=0, units_done=0, performed_by=())

OUTCOMES = {
    Outcome.CLEAN: Report(
        mode="review", verdict=conclude(Outcome.CLEAN), coverage=_LOCAL, skipped=_SKIPPED, subject=SUBJECT
    ),
    Outcome.FINDINGS: Report(
        mode="review", verdict=conclude(Outcome.FINDINGS), findings=FINDINGS, coverage=_LOCAL, skipped=_SKIPPED
    ),
    Outcome.PARTIAL: Report(
        mode="review",
        verdict=conclude(Outcome.PARTIAL),
        findings=FINDINGS[:1],
        failures=_FAILURES,
        coverage=replace(_LOCAL, units_done=7),
        subject=SUBJECT,
    ),
    Outcome.SKIPPED: Report(
        mode="review",
        verdict=conclude(Outcome.SKIPPED),
        skipped=_SKIPPED,
        coverage=Coverage(files_changed=3, lines_changed=9),
    ),
    Outcome.UNAVAILABLE: Report(
        mode="review",
        verdict=conclude(Outcome.UNAVAILABLE),
        failures=_FAILURES,
        coverage=_NONE_DONE,
        cost=CostReport(calls=(call(outcome="rate_limit", usage=Usage(), list_price=NanoUsd(0)),)),
    ),
    Outcome.CONFIG_ERROR: Report(
        mode="review",
        verdict=conclude(Outcome.CONFIG_ERROR),
        notices=("quality_treshold is unknown; did you mean quality_threshold?",),
    ),
}
"""One believable report of each outcome; local checks only, as without any key."""

ATTACKS = (
    "##[set-output name=x]y",
    "::set-output name=x::y",
    " \u00a0::error file=a::b",
    "%0A::add-mask::x",
    "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07\x1b[2J",
    "\u202e\u2066gpj.exe\u2069",
    "a\u200bb\ufeffc\U000e0041\U000e0042d\ufe0fe",
    "@everyone &#64;admin &commat;root \uff20team",
    "Fixes #123, closes acme/shop#7 and GH-9 at 0123456789abcdef0123456789abcdef01234567",
    "![x](http://evil.example/a.png) [x](javascript:alert(1)) <http://evil.example> www.evil.example mailto:a@b.cd",
    "[x]: http://evil.example 'title'\n\n[x] ![x] [^1]\n\n[^1]: note",
    "<img src=x onerror=alert(1)><script>alert(1)</script><!-- hidden",
    "</details></summary></td></table>\n\n# Approved\n\n- [x] done\n\n---\n\n| a | b |\n|---|---|",
    "```\n````suggestion\nrm -rf /\n````\n~~~\n$$x$$ $`y`$ :shipit: ~~a~~ **b** __c__",
    "`" * 50 + " x " + "`" * 51,
    "NUL\x00 BEL\x07 DEL\x7f CSI\x9b31m BYTE\udcff LONE\ud800",
    "one\rtwo\x0bthree\x0cfour\x85::error::five\u2028::error::six\u2029##[error]seven",
    "[bold red]markup[/] {0} %s",
    "|" * 20 + "\\|" * 20,
)

_FLOOD = "##[error]@flood </details> ![x](http://evil.example) " * 20_000


def hostile() -> Report:
    """Every text field that someone else can write is an attack; the flood is a megabyte."""
    texts = [*ATTACKS, _FLOOD]
    found = tuple(
        finding(
            path=text.replace("\x00", "")[:2000],
            quote=f"{text}\n{SECRET}",
            rule=text,
            source=text,
            title=text,
            message=text,
            symbol=text,
            help_url=text,
            suggestion=Suggestion(start_line=12, end_line=12, text=text),
            redact=(SECRET,),
        )
        for text in texts
    )
    leak = finding(quote=f"password = {SECRET}", title=f"see {SECRET}", message=f"{SECRET}\n{SECRET}")
    return Report(
        mode="review",
        verdict=conclude(Outcome.PARTIAL),
        findings=(*found, leak),
        rejected=tuple(
            Rejected(candidate=one, reason=Rejection.QUOTE_ABSENT, detail=f"{one.title} {SECRET}") for one in found
        ),
        skipped=tuple(
            Skipped(path=text[:2000], reason=SkipReason.IGNORED, detail=f"{text} {SECRET}") for text in texts
        ),
        failures=tuple(Failure(unit=text, path=text[:2000], reason=f"{text} {SECRET}") for text in texts),
        coverage=replace(_FULL, units_done=7, performed_by=tuple(texts)),
        subject=Subject(repository=ATTACKS[0], base=ATTACKS[1], head=ATTACKS[9], title=f"{ATTACKS[9]} {SECRET}"),
        cost=CostReport(
            calls=tuple(
                call(provider=text, request_model=text, response_model=text, unit=text, stage=text) for text in texts
            ),
            baselines=tuple(Baseline(name=text, basis=text, list_price=NanoUsd(10**9), tasks=1) for text in texts),
            budgets=tuple(BudgetState(name=text, limit=NanoUsd(10**9), settled=NanoUsd(10**9)) for text in texts),
            price_data=ATTACKS[9],
            notes=tuple(texts),
        ),
        notices=tuple(f"{text} {SECRET}" for text in texts),
    )
