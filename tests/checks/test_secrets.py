import base64
import dataclasses
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tta_orchestrate.checks.secrets import CHECK
from tta_orchestrate.domain.change import ChangedFile, FileStatus, Hunk
from tta_orchestrate.domain.redaction import presentable
from tta_orchestrate.domain.secrets import KINDS, find_secrets, mask_secrets
from tta_orchestrate.ports import SourceFile

# Spelled in halves, so that no scanner takes this file for a leak.
RANDOM = "q7Zt9Lw2Xc5Vb8Nm3Kj6Hg1Fd4Sa0PoIuYtReWq" + "Az5Sx7Dc9Fv2Gb4Hn6Jm8Kl1Qw3Er5Ty7Ui9Op0"
HEX = "9f86d081884c7d659a2feaa0c55ad015" + "a3bf4f1b2b0b822cd15d6c15b0f00a08"
TOKENS = {
    "github-token": "ghs_" + RANDOM[:36],
    "gitlab-token": "glpat-" + RANDOM[:20],
    "anthropic-key": "sk-ant-" + "api03-" + RANDOM[:60],
    "openai-key": "sk-proj-" + RANDOM[:60],
    "openrouter-key": "sk-or-v1-" + HEX,
    "groq-key": "gsk_" + RANDOM[:52],
    "huggingface-token": "hf_" + "qwZtrLwkXcpVbdNmfKjhHgzFdsSaxPoIuY",
    "google-api-key": "AIza" + RANDOM[:35],
    "google-oauth-secret": "GOCSPX-" + RANDOM[:28],
    "aws-key": "AKIA" + "Q3EGVBQSN2RT7KZP",
    "slack-token": "xoxb-" + "293857192837-482950192847-" + RANDOM[:24],
    "slack-webhook": "https://hooks.slack.com/services/" + "T02ABCDEF/B03GHIJKL/" + RANDOM[:24],
    "stripe-key": "sk_live_" + RANDOM[:24],
    "npm-token": "npm_" + RANDOM[:36],
    "pypi-token": "pypi-AgE" + "IcHlwaS5vcmc" + RANDOM[:60],
    "sendgrid-key": "SG." + RANDOM[:22] + "." + RANDOM[22:65],
    "digitalocean-token": "dop_v1_" + HEX,
    "databricks-token": "dapi" + HEX[:32],
    "jwt": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0In0." + RANDOM[:43],
    "azure-storage-key": "AccountKey=" + base64.b64encode((RANDOM * 2)[:64].encode()).decode(),
    "telegram-token": "293857192:" + RANDOM[:35],
    "mailchimp-key": HEX[:32] + "-us12",
    "square-oauth": "sq0csp-" + RANDOM[:43],
    "twilio-key": "SK" + HEX[:32],
    "discord-token": "M" + RANDOM[:23] + "." + RANDOM[23:29] + "." + RANDOM[29:56],
}
LINES = {
    "password": 'DB_PASSWORD = "tR0ub4dor&3zQ"',
    "url-password": "DATABASE_URL=postgres://app:" + "tR0ub4dor3zQ@db.internal:5432/app",
    "aws-secret": 'aws_secret_access_key = "' + RANDOM[:40] + '"',
}
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "\n".join([RANDOM[:64]] * 3) + "\n-----END RSA PRIVATE KEY-----"


def source(text, path="app/settings.py"):
    return SourceFile(change=ChangedFile(path=path, old_path=path, status=FileStatus.ADDED), text=text)


def found(text):
    return CHECK.run([source(text)]).candidates


@pytest.mark.parametrize("kind", sorted(TOKENS))
def test_a_token_is_found_in_the_middle_of_a_line(kind):
    claims = found(f"x = 1\nclient = Client({TOKENS[kind]!r})  # prod\n")
    assert [(c.rule, c.start_line, c.end_line) for c in claims] == [(f"secrets/{kind}", 2, 2)]
    assert claims[0].quote == f"client = Client({TOKENS[kind]!r})  # prod"


@pytest.mark.parametrize("kind", sorted(LINES))
def test_a_credential_is_found_by_its_context(kind):
    assert [c.rule for c in found(LINES[kind])] == [f"secrets/{kind}"]


def test_every_kind_of_the_table_has_an_example_here():
    assert set(KINDS) <= {*TOKENS, *LINES, "private-key"}


def test_a_private_key_is_one_finding_over_all_its_lines():
    (claim,) = found(f"before\n{PEM}\nafter\n")
    assert (claim.rule, claim.start_line, claim.end_line, claim.quote) == ("secrets/private-key", 2, 6, PEM)


@pytest.mark.parametrize(
    "line",
    [
        'password = "changeme"',
        'password = os.environ["DB_PASSWORD"]',
        'password = "<your-password-here>"',
        'token = "${{ secrets.GITHUB_TOKEN }}"',
        "token: ${{ secrets.GITHUB_TOKEN }}",
        'api_key = "xxxxxxxxxxxxxxxxxxxx"',
        'api_key = "YOUR_API_KEY"',
        "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
        'token = "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"',
        'password_field = "user_password_1"',
        'token_url = "https://login.acme.com/oauth2/v2.0/token"',
        "def login(password: str, token: str) -> None:",
        'SECRET_NAME = "prod/db/Main-7"',
        "tokens = tokenizer.encode(text)",
        'if password == "":',
        "password = getpass.getpass()",
        "sha = 'a3bf4f1b2b0b822cd15d6c15b0f00a08a3bf4f1b'",
        "commit: 9f86d081884c7d659a2feaa0c55ad0159f86d081",
        "git clone https://user:$TOKEN@github.com/acme/x",
        "http://user:password@example.com/",
        "token = self.session.access_token",
        "integrity sha512-" + RANDOM * 2,
        "-----BEGIN PUBLIC KEY-----\n" + RANDOM,
        'if "-----BEGIN PRIVATE KEY-----" in text:',
        "uuid = '123e4567-e89b-12d3-a456-426614174000'",
        'secret_version: "projects/12/secrets/a/versions/3"',
    ],
)
def test_a_stand_in_or_a_reference_is_no_credential(line):
    assert [c.rule for c in found(line)] == []


@pytest.mark.parametrize("text", [*TOKENS.values(), *LINES.values(), PEM])
def test_the_value_stands_nowhere_once_masked(text):
    for claim in found(f"a = '{text}'\n"):
        assert claim.redact
        masked = dataclasses.asdict(presentable(claim))
        for value in claim.redact:
            assert value not in repr(claim)
            assert value not in repr(masked)
            assert value not in claim.title + claim.message
        assert "‹secret›" in masked["quote"]


def test_two_secrets_on_one_line_are_masked_in_both_findings():
    one, two = TOKENS["github-token"], TOKENS["aws-key"]
    claims = found(f"use({one!r}, {two!r})")
    assert len(claims) == 2
    assert all(one not in presentable(c).quote and two not in presentable(c).quote for c in claims)


def test_without_the_file_the_added_lines_are_looked_at_and_a_key_stays_one_finding():
    added = [f"+{line}" for line in PEM.split("\n")]
    hunk = Hunk(old_start=3, old_count=2, new_start=3, new_count=7, body=(" a", f"-{TOKENS['aws-key']}", *added, " b"))
    change = ChangedFile(path="k", old_path="k", status=FileStatus.MODIFIED, hunks=(hunk,))
    (claim,) = CHECK.run([SourceFile(change=change, text=None)]).candidates
    assert (claim.start_line, claim.end_line, claim.quote) == (4, 8, PEM)


def test_the_redactor_hides_what_the_check_reports_and_keeps_the_rest():
    text = f"a {TOKENS['anthropic-key']} b {TOKENS['github-token']} c"
    assert mask_secrets(text) == "a ‹secret› b ‹secret› c"
    assert mask_secrets("nothing here") == "nothing here"


@given(st.text() | st.text(alphabet="ghs_AKIA-=\"': password\n0123", max_size=300))
@settings(max_examples=80, deadline=None)
def test_any_text_gives_ordered_disjoint_matches_and_true_quotes(text):
    matches = list(find_secrets(text))
    assert all(0 <= m.start < m.end <= len(text) for m in matches)
    assert all(a.end <= b.start for a, b in pairwise(matches))
    claims = found(text)
    assert claims == found(text)
    assert all(c.quote == "\n".join(text.split("\n")[c.start_line - 1 : c.end_line]) for c in claims)
