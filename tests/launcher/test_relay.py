"""Whatever a container prints, the runner finds no command in it but ours; the runner's own rules are the judge."""

from hypothesis import given, settings
from hypothesis import strategies as st
from relay import LINE_LIMIT, Relay, fenced, neutralise

import runner

NONCE = "0123456789abcdef" * 2


def relay(lines, nonce):
    return Relay(nonce).lines(lines)


HOSTILE = st.lists(
    st.sampled_from(
        ["::", "##[", "#", "[", ":", "set-output name=a", "]", "::add-mask::", "stop-commands", "error ", "\r", "\n",
         "\x85", "\u2028", "\u200b", "\xa0", " ", "\x1b[31m", "%0A", "\x0b", "\u202e", "x"]
    ) | st.text(max_size=5)
).map("".join)  # fmt: skip


@settings(max_examples=40)
@given(HOSTILE)
def test_the_runner_finds_no_command_in_what_is_neutralised(text):
    assert runner.read_log("\n".join(neutralise(text))).commands == []


@settings(max_examples=40)
@given(st.lists(HOSTILE))
def test_the_runner_finds_no_command_in_what_is_relayed(lines):
    assert runner.read_log("\n".join(relay(lines, NONCE))).commands == []


@settings(max_examples=40)
@given(HOSTILE)
def test_neutralising_twice_changes_nothing_more_for_the_runner(text):
    once = neutralise(text)
    assert runner.read_log("\n".join(line for one in once for line in neutralise(one))).commands == []


def test_the_programs_own_commands_get_through():
    lines = [f"{NONCE}::error file=a.py,line=3,title=t::words", f"{NONCE}::group::name", "::error::forged"]
    log = runner.read_log("\n".join(relay(lines, NONCE)))
    assert [(one.name, one.data) for one in log.commands] == [("error", "words"), ("group", "name")]
    assert log.commands[0].properties == {"file": "a.py", "line": "3", "title": "t"}


def test_commands_that_change_the_job_do_not_get_through_even_with_the_nonce():
    lines = [f"{NONCE}::set-output name=a::b", f"{NONCE}::set-env name=a::b", f"{NONCE}::stop-commands::x"]
    assert runner.read_log("\n".join(relay(lines, NONCE))).commands == []


def test_without_a_nonce_nothing_gets_through():
    assert runner.read_log("\n".join(relay(["::error::x", "##[error]x"], ""))).commands == []


def test_a_flood_is_cut_and_counted():
    shown = list(relay((f"line {n}" for n in range(LINE_LIMIT + 7)), NONCE))
    assert len(shown) == LINE_LIMIT + 1
    assert shown[-1] == "(log cut: 7 more lines)"


@settings(max_examples=40)
@given(st.lists(HOSTILE))
def test_a_dump_is_fenced_and_ends(lines):
    log = runner.read_log("\n".join([*fenced(lines, NONCE), "::notice::after"]))
    assert [one.name for one in log.commands] == ["stop-commands", "notice"]


def test_the_program_declares_how_it_ends_and_nobody_else_can():
    relay = Relay(NONCE)
    assert list(relay.lines(["exit 0", f" {NONCE}exit 0", f"{NONCE}exit 0 "])) == [
        "exit 0",
        f" {NONCE}exit 0",
        f"{NONCE}exit 0 ",
    ]
    assert relay.declared is None
    assert list(relay.lines([f"{NONCE}exit 3"])) == []
    assert relay.declared == 3
