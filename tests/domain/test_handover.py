"""The line that one review leaves for the next."""

import base64
import json
import random
import zlib
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.domain.finding import Category, Finding, Severity
from tta_orchestrate.domain.handover import LIMIT, TOO_LARGE, pack, seal_of, unpack
from tta_orchestrate.domain.outcome import Outcome, conclude
from tta_orchestrate.domain.report import Report, Subject

SEAL = seal_of(["sk-one", "sk-two"])
FINDING = Finding(
    path="a.py", start_line=3, end_line=3, quote="q --> `x`", rule="logic-error", category=Category.BUG, severity=Severity.HIGH,
    source="m", title="t", message="é <!-- -->", fingerprint="0" * 32,
)  # fmt: skip
REPORT = Report(
    mode="review",
    verdict=conclude(Outcome.FINDINGS),
    findings=(FINDING,),
    subject=Subject(head="b" * 40),
    extra={"history": {"basis": "x", "read": ["k"], "segments": {"0" * 32: ["k", 1]}, "dismissed": ["1" * 32]}},
)


def test_a_review_finds_what_the_one_before_left_at_the_same_place():
    line = pack(REPORT, SEAL, "o/r head check")
    assert line.startswith("<!--")
    assert line.count("-->") == 1
    found = unpack(f"text before\n{line}\nand after", SEAL, "o/r head check")
    assert found.head == "b" * 40
    assert found.findings == (FINDING,)
    assert (found.basis, found.read, found.segments) == ("x", {"k"}, {"0" * 32: ("k", 1)})


def test_dismissals_are_not_carried():
    assert unpack(pack(REPORT, SEAL, "p"), SEAL, "p").dismissed == frozenset()


def test_a_line_of_another_place_or_of_somebody_without_the_keys_is_no_line():
    line = pack(REPORT, SEAL, "o/r head check")
    assert unpack(line, SEAL, "o/r other check") is None
    assert unpack(line, seal_of(["sk-one"]), "o/r head check") is None
    assert unpack(line, b"", "o/r head check") is None


def test_without_keys_or_without_a_history_nothing_is_left():
    assert seal_of(["", ""]) == b""
    assert pack(REPORT, b"", "p") == ""
    assert pack(replace(REPORT, extra={}), SEAL, "p") == ""


def test_what_does_not_fit_is_left_out_and_said():
    noise = random.Random(1)
    many = tuple(replace(FINDING, message=noise.randbytes(3000).hex(), fingerprint=f"{n:032x}") for n in range(40))
    assert pack(replace(REPORT, findings=many), SEAL, "p") == TOO_LARGE
    assert unpack(TOO_LARGE, SEAL, "p") is None
    assert len(pack(replace(REPORT, findings=many[:5]), SEAL, "p")) <= LIMIT


def test_a_sealed_line_that_grows_without_end_is_no_line():
    def sealed(plain):
        from tta_orchestrate.domain.handover import _tag

        body = base64.b64encode(zlib.compress(plain, 9)).decode()
        return f"<!-- tta-state:1:{_tag(SEAL, 'p', body)}:{body} -->"

    whole = json.dumps({"schema_version": "1.0"}).encode()
    assert unpack(sealed(whole), SEAL, "p") is not None
    assert unpack(sealed(whole + b" " * 9_000_000), SEAL, "p") is None
    assert unpack(sealed(b"[]"), SEAL, "p") is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3000), st.characters(codec="ascii"))
def test_no_changed_character_passes(place, character):
    line = pack(REPORT, SEAL, "p")
    place %= len(line)
    changed = line[:place] + character + line[place + 1 :]
    assert changed == line or unpack(changed, SEAL, "p") is None
