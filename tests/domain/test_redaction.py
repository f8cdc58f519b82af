from hypothesis import given
from hypothesis import strategies as st

from samples import EVERYTHING, SECRET, finding
from tta_orchestrate.domain.finding import Suggestion
from tta_orchestrate.domain.redaction import MASK, mask, presentable, presentable_report

PART = st.text("ab\n", max_size=12)


@given(text=PART, secrets=st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3))
def test_no_secret_is_left_and_no_line_is_lost(text, secrets):
    masked = mask(text, secrets)
    assert not any(secret in masked for secret in secrets if secret.strip("\n"))
    assert masked.count("\n") == text.count("\n")
    assert (masked == text) == (not any(secret in text for secret in secrets))


def test_overlapping_secrets_leave_no_rest():
    assert mask("xabcdy", ["abc", "bcd"]) == f"x{MASK}y"


def test_every_text_of_a_finding_is_masked_but_its_fingerprint_stays():
    leaky = finding(quote=f"k={SECRET}", title=SECRET, message=f"{SECRET}!", redact=(SECRET,))
    safe = presentable(leaky)
    assert (safe.quote, safe.title, safe.message) == (f"k={MASK}", MASK, f"{MASK}!")
    assert leaky.fingerprint == safe.fingerprint


def test_a_suggestion_with_a_secret_is_dropped_as_it_would_no_longer_fix():
    leaky = finding(redact=(SECRET,), suggestion=Suggestion(start_line=1, end_line=1, text=SECRET))
    assert presentable(leaky).suggestion is None


def test_a_secret_found_by_one_check_is_masked_where_another_quotes_it():
    from dataclasses import replace

    other = finding(rule="ruff:S105", quote=f'KEY = "{SECRET}"')
    safe = presentable_report(replace(EVERYTHING, findings=(*EVERYTHING.findings, other), extra={"targets": [SECRET]}))
    assert SECRET not in str([(one.quote, one.title) for one in safe.findings])
    assert safe.extra == {"targets": [MASK]}


def test_a_short_value_is_masked_only_on_the_lines_where_it_was_found():
    from dataclasses import replace

    report = replace(
        EVERYTHING,
        findings=(
            finding(quote="pw = abc", redact=("abc",)),
            finding(quote="abc", rule="other"),
            finding(quote="abc", start_line=99, end_line=99),
            finding(quote="abc", path="other.py"),
        ),
    )
    assert [one.quote for one in presentable_report(report).findings] == [f"pw = {MASK}", MASK, "abc", "abc"]


def test_the_value_is_not_in_the_repr():
    assert SECRET not in repr(finding(redact=(SECRET,)))
