import base64
import json
from dataclasses import replace

import pytest

from samples import EVERYTHING, finding
from tta_orchestrate.sinks.findings_json import SINK


def findings(*found):
    return json.loads(SINK.render(replace(EVERYTHING, findings=found)))["findings"]


def test_quotes_are_verbatim():
    quote = "\tx = '\u202e##[error]' \\ \"\r\n<b>@you\x00"
    assert findings(finding(quote=quote))[0]["quote"] == quote


def test_a_path_that_is_not_utf8_is_readable_and_exact():
    one = findings(finding(path=b"caf\xe9.py".decode("utf-8", "surrogateescape")))[0]
    assert one["path"] == "caf\\xe9.py"
    assert base64.b64decode(one["path_base64"]) == b"caf\xe9.py"
    assert "quote_base64" not in one


def test_a_mode_adds_its_own_keys_but_takes_none():
    document = json.loads(SINK.render(replace(EVERYTHING, extra={"targets": [{"path": "a"}]})))
    assert document["targets"] == [{"path": "a"}]
    with pytest.raises(ValueError, match="outcome"):
        SINK.render(replace(EVERYTHING, extra={"outcome": "clean"}))


def test_secret_values_never_become_a_field():
    assert "redact" not in findings(finding(redact=("s3cr3t",)))[0]
