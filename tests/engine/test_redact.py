"""Held secrets are gone in every form; what replaces them holds none."""

import base64
import json
import urllib.parse

from hypothesis import given
from hypothesis import strategies as st

from tta_orchestrate.domain.redaction import MASK
from tta_orchestrate.engine.redact import Redactor

SECRET = 'gsk/canary+0123456789"äbc'
around = st.text(max_size=12)


@given(before=around, after=around)
def test_the_secret_is_gone_verbatim_reversed_hex_url_json_and_base64(before, after):
    redactor = Redactor([SECRET])
    raw = SECRET.encode()
    forms = [
        SECRET,
        SECRET[::-1],
        raw.hex(),
        raw.hex().upper(),
        urllib.parse.quote(SECRET, safe=""),
        json.dumps(SECRET)[1:-1],
    ]
    for form in forms:
        assert form not in redactor.held(f"{before}{form}{after}")


@given(before=st.binary(max_size=7), after=st.binary(max_size=7))
def test_base64_at_any_offset_keeps_no_usable_part(before, after):
    text = base64.b64encode(before + SECRET.encode() + after).decode()
    left = Redactor([SECRET]).held(text)
    assert MASK in left
    # the characters that the secret shares with its neighbours may stay: at most two at each end, and the padding
    assert len(left.replace(MASK, "")) <= len(base64.b64encode(before)) + len(base64.b64encode(after)) + 8


@given(st.text(max_size=80))
def test_redaction_is_idempotent_and_leaves_other_text_alone(text):
    redactor = Redactor([SECRET])
    once = redactor.held(text)
    assert redactor.held(once) == once == text


def test_words_too_short_to_be_secrets_are_left():
    assert Redactor(["test", ""]).held("a test") == "a test"


def test_json_is_redacted_in_keys_and_values():
    assert Redactor([SECRET]).json({SECRET: [SECRET, 1, None]}) == {MASK: [MASK, 1, None]}


def test_vendor_patterns_go_from_free_text():
    assert "AKIA" not in Redactor().text("key AKIAZQ3DRSTUVWXY2345 here")
