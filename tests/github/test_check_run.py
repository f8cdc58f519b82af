"""The check run: complete, in order, nothing lost and nothing twice, whatever GitHub does."""

import pytest

from github_server import FORBIDDEN, LIMITED, Fault
from tta_orchestrate.domain.annotation import Annotation, Level
from tta_orchestrate.domain.outcome import Conclusion
from tta_orchestrate.errors import ForbiddenError, GitHubError, InvalidError
from tta_orchestrate.github.publish.check_run import Slot, Verdict, open_check_run

HEAD = "a" * 40


def slot(**changes):
    return Slot(**{"name": "tta / review", "head": HEAD, "external_id": "tta:1:1:job:0", "fresh": True} | changes)


def notes(count, message="words"):
    return [
        Annotation(
            path=f"src/f{n}.py", start_line=n + 1, end_line=n + 1, level=Level.WARNING, title=f"n{n}", message=message
        )
        for n in range(count)
    ]


def verdict(annotations, **changes):
    base = {"conclusion": Conclusion.NEUTRAL, "title": "findings", "summary": "# all of it"}
    return Verdict(**base | changes, annotations=annotations)


def stored(server, number=100):
    return [item["title"] for item in server.annotations[number]]


def patches(method, path):
    return method == "PATCH"


def posts(method, path):
    return method == "POST"


def test_a_thousand_annotations_are_stored_in_order_with_21_requests(server, api):
    delivery = open_check_run(api, slot()).complete(verdict(notes(1000)))
    assert stored(server) == [f"n{n}" for n in range(1000)]
    assert (delivery.stored, delivery.rejected, api.calls) == (1000, [], 21)
    assert server.check_runs[100]["conclusion"] == "neutral"
    assert server.check_runs[100]["output"]["summary"] == "# all of it"


def test_three_bad_ones_among_a_thousand_cost_only_themselves(server, api):
    bad = {"n17", "n18", "n999"}
    server.rejects = lambda item: item["title"] in bad
    delivery = open_check_run(api, slot()).complete(verdict(notes(1000)))
    assert stored(server) == [f"n{n}" for n in range(1000) if f"n{n}" not in bad]
    assert (delivery.stored, {item.title for item in delivery.rejected}) == (997, bad)
    assert "3 rejected" in server.check_runs[100]["output"]["summary"]
    assert server.check_runs[100]["status"] == "completed"


def test_writes_are_at_least_a_second_apart(api, clock):
    open_check_run(api, slot()).complete(verdict(notes(150)))
    assert clock.waits == [1.0, 1.0, 1.0]


def test_a_check_run_is_in_progress_until_the_verdict_is_there(server, api):
    check = open_check_run(api, slot(details_url="https://github.com/o/r/actions/runs/1"))
    assert server.check_runs[100]["status"] == "in_progress"
    check.complete(verdict([], conclusion=Conclusion.SUCCESS))
    assert (server.check_runs[100]["status"], server.check_runs[100]["conclusion"]) == ("completed", "success")
    assert server.check_runs[100]["head_sha"] == HEAD


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("answer", [None, (502, {}, {"message": "bad gateway"})])
def test_a_lost_answer_to_the_creation_makes_no_second_check_run(server, api, done, answer):
    server.faults = [Fault(posts, answer, done=done)]
    open_check_run(api, slot()).complete(verdict(notes(3)))
    assert list(server.check_runs) == [100]
    assert stored(server) == ["n0", "n1", "n2"]


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("nth", [0, 1, 2])
def test_a_lost_answer_to_annotations_neither_loses_nor_repeats_them(server, api, done, nth):
    seen = iter(range(100))
    server.faults = [Fault(lambda method, path: method == "PATCH" and next(seen) == nth, None, done=done)]
    delivery = open_check_run(api, slot()).complete(verdict(notes(120)))
    assert stored(server) == [f"n{n}" for n in range(120)]
    assert delivery.stored == 120
    assert server.check_runs[100]["conclusion"] == "neutral"


def test_a_second_run_on_the_same_commit_repeats_nothing(server, api):
    open_check_run(api, slot()).complete(verdict(notes(120)))
    again = slot(external_id="tta:1:2:job:0", fresh=False)
    delivery = open_check_run(api, again).complete(verdict(notes(130)))
    assert list(server.check_runs) == [100]
    assert stored(server) == [f"n{n}" for n in range(130)]
    assert delivery.stored == 130
    assert server.check_runs[100]["external_id"] == "tta:1:2:job:0"


def test_what_is_no_longer_found_is_not_left_standing(server, api):
    open_check_run(api, slot()).complete(verdict(notes(5)))
    open_check_run(api, slot(external_id="tta:2:1:job:0", fresh=False)).complete(verdict(notes(2)))
    assert stored(server, 101) == ["n0", "n1"]


def test_a_check_run_of_somebody_else_with_the_same_name_is_left_alone(server, api):
    api.create_check_run({"name": "tta / review", "head_sha": HEAD, "external_id": "theirs", "status": "in_progress"})
    open_check_run(api, slot(fresh=False)).complete(verdict(notes(1)))
    assert server.check_runs[100]["external_id"] == "theirs"
    assert stored(server, 101) == ["n0"]


def test_a_forbidden_check_run_is_not_tried_twice(server, api):
    server.faults = [Fault(posts, FORBIDDEN, times=9)]
    with pytest.raises(ForbiddenError):
        open_check_run(api, slot())
    assert server.log == [("POST", "/repos/o/r/check-runs")]


def test_a_secondary_rate_limit_is_waited_out_and_nothing_is_repeated(server, api, clock):
    server.faults = [Fault(patches, LIMITED)]
    open_check_run(api, slot()).complete(verdict(notes(60)))
    assert 7.0 in clock.waits
    assert stored(server) == [f"n{n}" for n in range(60)]


def test_a_refusal_that_is_not_about_annotations_is_told(server, api):
    check = open_check_run(api, slot())
    server.faults = [Fault(patches, (422, {}, {"message": "Validation Failed"}), times=999)]
    with pytest.raises(InvalidError):
        check.complete(verdict([]))


def test_a_server_that_never_creates_anything_is_given_up(server, api):
    server.faults = [Fault(posts, (500, {}, {}), times=9)]
    with pytest.raises(GitHubError, match="could not be created"):
        open_check_run(api, slot())
