"""The client: polite, patient within limits, never twice."""

import httpx2
import pytest

from github_server import FORBIDDEN, Fault
from tta_orchestrate.errors import AnswerLostError, ForbiddenError, GitHubError, InvalidError, NotFoundError
from tta_orchestrate.github.api import GitHub, Time
from tta_orchestrate.github.pacing import retry_after

ANY = lambda method, path: True  # noqa: E731
CHECK = {"name": "n", "head_sha": "a" * 40, "status": "in_progress"}


def test_every_request_says_who_asks_and_which_version(server, api):
    api.issue_comments(7)
    sent = server.headers[0]
    assert sent["user-agent"] == "tta-orchestrate"
    assert sent["x-github-api-version"] == "2022-11-28"
    assert sent["authorization"] == "Bearer t0ken"


def test_the_address_of_an_enterprise_server_is_used(server, clock):
    time = Time(now=clock.now, monotonic=clock.monotonic, wait=clock.wait)
    client = GitHub("o/r", "t", api_url="https://ghe.example/api/v3/", transport=server.transport(), clock=time)
    client.issue_comments(7)
    assert server.headers[0]["host"] == "ghe.example"
    client.close()


def test_all_pages_are_read(server, api):
    server.comments = {n: {"id": n, "body": str(n)} for n in range(250)}
    assert [one.body for one in api.issue_comments(7)] == [str(n) for n in range(250)]
    assert api.calls == 3


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"retry-after": "7"}, [7.0]),
        ({"retry-after": "-5"}, [1.0]),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000030"}, [31.0]),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "17"}, [1.0]),
    ],
)
@pytest.mark.parametrize("status", [403, 429])
def test_a_rate_limit_is_waited_out_as_told(server, api, clock, status, headers, waited):
    server.faults = [Fault(ANY, (status, headers, {"message": "limit"}))]
    assert api.issue_comments(7) == []
    assert clock.waits == waited


def test_a_secondary_limit_without_a_hint_is_given_a_minute_and_then_two(server, api, clock):
    server.faults = [Fault(ANY, (403, {}, {"message": "You have exceeded a secondary rate limit."}), times=2)]
    api.issue_comments(7)
    assert clock.waits == [60.0, 120.0]


def test_no_wait_goes_beyond_the_patience(server, clock):
    server.faults = [Fault(ANY, (429, {"retry-after": "1465"}, {}), times=9)]
    time = Time(now=clock.now, monotonic=clock.monotonic, wait=clock.wait)
    client = GitHub("o/r", "t", transport=server.transport(), clock=time, patience=300)
    with pytest.raises(GitHubError, match="429"):
        client.issue_comments(7)
    assert clock.waits == []
    client.close()


def test_a_permission_is_asked_for_once(server, api, clock):
    server.faults = [Fault(ANY, FORBIDDEN, times=9)]
    with pytest.raises(ForbiddenError) as caught:
        api.create_check_run(CHECK)
    assert (api.calls, clock.waits) == (1, [])
    assert "permissions" in caught.value.remedy


@pytest.mark.parametrize(
    ("status", "error"), [(401, ForbiddenError), (404, NotFoundError), (422, InvalidError), (410, GitHubError)]
)
def test_a_final_answer_is_final(server, api, status, error):
    server.faults = [Fault(ANY, (status, {}, {}), times=9)]
    with pytest.raises(error):
        api.pull_request(7)
    assert api.calls == 1


@pytest.mark.parametrize("answer", [None, (502, {}, {})])
def test_reading_is_tried_again(server, api, clock, answer):
    server.faults = [Fault(ANY, answer, times=2)]
    assert api.issue_comments(7) == []
    assert clock.waits == [1.0, 2.0]


@pytest.mark.parametrize("answer", [None, (500, {}, {})])
def test_a_write_with_a_lost_answer_is_not_repeated(server, api, answer):
    server.faults = [Fault(ANY, answer, done=True)]
    with pytest.raises(AnswerLostError):
        api.create_check_run(CHECK)
    assert len(server.check_runs) == 1


def test_a_write_that_never_left_is_tried_again(clock):
    tries = []

    def refuse(request):
        tries.append(request)
        raise httpx2.ConnectError("refused")

    time = Time(now=clock.now, monotonic=clock.monotonic, wait=clock.wait)
    client = GitHub("o/r", "t", transport=httpx2.MockTransport(refuse), clock=time)
    with pytest.raises(GitHubError, match="cannot be reached"):
        client.create_check_run(CHECK)
    assert len(tries) == 4
    client.close()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b""])
def test_an_answer_that_is_no_answer_is_an_error(clock, body):
    client = GitHub("o/r", "t", transport=httpx2.MockTransport(lambda request: httpx2.Response(200, content=body)))
    with pytest.raises(GitHubError, match="not what its API describes"):
        client.pull_request(7)
    client.close()


def test_retry_after_is_read_in_both_forms(clock):
    assert retry_after("120", clock.now()) == 120.0
    assert retry_after("Fri, 15 Jan 2027 08:00:30 GMT", clock.now()) == 30.0
    assert retry_after("Fri, 15 Jan 2020 08:00:30 GMT", clock.now()) == 0.0
    assert [retry_after(text, clock.now()) for text in ("", "soon", "1.5.2", "²")] == [None] * 4
