"""The cascade from configuration to books, with the real SDKs against the loopback servers."""

import json

import pytest

from team import gate, script, settings, tasks, unit_of
from tta_orchestrate.cli.wiring import build_engine
from tta_orchestrate.domain.redaction import MASK
from tta_orchestrate.loopback.faults import Fault
from tta_orchestrate.ports.model import GateResult, UseCase


def models(results):
    return [result.model for result in results]


def test_the_first_executor_does_the_bulk_and_the_books_equal_the_servers_own(world, server):
    engine = world.engine()
    results = engine.execute(tasks(6), gate)
    assert [r.answer["unit"] for r in results] == [f"unit-{i}" for i in range(6)]
    assert set(models(results)) == {"llama-3.3-70b-versatile"}
    assert engine.cost().cash == server.charged > 0
    assert {c.outcome for c in engine.cost().calls} == {"ok"}
    assert engine.cost().baselines[0].basis == "modelled"


def test_without_any_key_there_is_no_executor_and_nothing_is_sent(world, server):
    world.env.clear()
    engine = world.engine()
    assert (engine.has_executor, engine.has_orchestrator) == (False, False)
    results = engine.execute(tasks(2), gate)
    assert [(r.answer, r.failure) for r in results] == [(None, "closed")] * 2
    assert server.requests == 0


@pytest.mark.parametrize("name", ["anthropic", "google", "groq"])
def test_each_vendor_alone_answers_through_its_own_client(world, server, name):
    key = {"anthropic": "ANTHROPIC_API_KEY", "google": "GOOGLE_API_KEY", "groq": "GROQ_API_KEY"}[name]
    world.env = {key: world.env[key]}
    engine = world.engine()
    assert all(r.answer for r in engine.execute(tasks(2), gate))
    assert engine.cost().cash == server.charged > 0
    agent = {"anthropic": "Anthropic/Python", "google": "google-genai-sdk", "groq": "tta-orchestrate/"}[name]
    assert all(agent in user_agent for user_agent in server.user_agents)


def test_use_cases_route_a_task_to_the_executor_made_for_it(world, server):
    url = server.url
    executors = [
        {"model": "llama-3.3-70b-versatile", "provider": "groq", "base_url": f"{url}/v1", "use_cases": ["simple"]},
        {"model": "gemini-3.8-flash", "provider": "google-ai-studio", "base_url": url, "use_cases": ["complex"]},
    ]
    engine = world.engine(executors=executors)
    assert models(engine.execute(tasks(1, use_case=UseCase.SIMPLE), gate)) == ["llama-3.3-70b-versatile"]
    assert models(engine.execute(tasks(1, use_case=UseCase.COMPLEX), gate)) == ["gemini-3.8-flash"]


def test_prefer_free_models_puts_the_free_one_first_and_costs_list_price_only(world, server):
    url = server.url
    executors = [
        {"model": "llama-3.3-70b-versatile", "provider": "groq", "base_url": f"{url}/v1"},
        {"model": "gemini-3.8-flash", "provider": "google-ai-studio", "base_url": url, "free_tier": True},
    ]
    free = world.engine(executors=executors)
    assert models(free.execute(tasks(1), gate)) == ["gemini-3.8-flash"]
    assert free.cost().cash == 0 < free.cost().list_price == server.charged
    paid = world.engine(executors=executors, prefer_free_models=False)
    assert models(paid.execute(tasks(1), gate)) == ["llama-3.3-70b-versatile"]


def test_a_free_tier_never_sees_a_private_repository_unless_that_is_allowed(world, server):
    executors = [
        {"model": "gemini-3.8-flash", "provider": "google-ai-studio", "base_url": server.url, "free_tier": True}
    ]
    engine = world.engine(executors=executors, private=True, orchestrator={"provider": "local"})
    assert not engine.has_executor
    assert "may train" in " ".join(engine.cost().notes)
    allowed = world.engine(executors=executors, private=True, calls={"allow_free_tier_for_private_repositories": True})
    assert allowed.has_executor


def test_a_rejected_answer_is_repaired_once_with_the_gates_own_message(world, server):
    server.reset(lambda q: script(q) if "the unit must be" in q.text else {"unit": "other", "result": "x"})
    engine = world.engine()
    (result,) = engine.execute(tasks(1), gate)
    assert result.answer["unit"] == "unit-0"
    assert [c.stage for c in engine.cost().calls] == ["execute", "repair"]
    assert [d.step for d in result.decisions] == ["execute", "repair"]


def test_two_rejections_move_on_and_the_orchestrator_is_the_last_to_be_asked(world, server):
    server.reset(lambda q: script(q) if q.vendor == "anthropic" else "I think it is fine.")
    engine = world.engine()
    (result,) = engine.execute(tasks(1), gate)
    assert result.model == "claude-sonnet-5-5"
    assert [(c.request_model[:6], c.stage) for c in engine.cost().calls] == [
        ("llama-", "execute"), ("llama-", "repair"), ("gemini", "execute"), ("gemini", "repair"), ("claude", "escalate"),
    ]  # fmt: skip
    assert all(d.reason for d in result.decisions)


def test_the_fallback_chain_is_asked_in_its_order_when_the_executors_failed(world, server):
    server.reset(lambda q: script(q) if q.model == "gemini-3.8-flash" else "no")
    groq = [{"model": "llama-3.3-70b-versatile", "provider": "groq", "base_url": f"{server.url}/v1"}]
    without = world.engine(executors=groq, orchestrator={"provider": "local"})
    assert without.execute(tasks(1), gate)[0].answer is None
    also = {
        "model": "gemini-3.8-flash",
        "provider": "google-ai-studio",
        "base_url": server.url,
        "use_cases": ["expert"],
    }
    engine = world.engine(
        executors=[groq[0] | {"use_cases": ["simple"]}, also], fallback_strategy={"models": ["gemini-3.8-flash"]}
    )
    assert models(engine.execute(tasks(1), gate)) == ["gemini-3.8-flash"]


def test_nobody_right_means_not_done_with_the_reason(world, server):
    server.reset(lambda q: {"unit": "wrong", "result": "x"})
    (result,) = world.engine().execute(tasks(1), gate)
    assert (result.answer, result.failure) == (None, "rejected")
    assert "the unit must be unit-0" in result.reason


def evidence_gate(task, answer):
    return GateResult(accepted=True, evidence=f"{answer['result']} for {task.unit}")


@pytest.mark.parametrize(
    ("threshold", "judged", "model"), [(0.85, 0.9, "llama-3.3-70b-versatile"), (0.95, 0.9, "claude-sonnet-5-5")]
)
def test_quality_threshold_is_the_judges_bar(world, server, threshold, judged, model):
    server.reset(
        lambda q: {"score": judged, "reason": "so so"} if "score" in q.schema.get("properties", {}) else script(q)
    )
    engine = world.engine(quality_threshold=threshold)
    (result,) = engine.execute(tasks(1), evidence_gate)
    assert result.model == model
    judge = next(c for c in engine.cost().calls if c.stage == "judge")
    assert (judge.request_model, judge.role) == ("claude-sonnet-5-5", "orchestrator")


def test_the_judge_sees_the_evidence_and_never_the_prompt(world, server):
    world.engine().execute(tasks(1, words=500), evidence_gate)
    asked = next(seen.prompt for seen in server.log if seen.model == "claude-sonnet-5-5")
    assert "done for unit-0" in asked
    assert "word word" not in asked


def test_judge_asks_the_orchestrator_alone(world, server):
    engine = world.engine()
    assert models(engine.judge(tasks(1), gate)) == ["claude-sonnet-5-5"]
    assert {c.role for c in engine.cost().calls} == {"orchestrator"}


def test_the_run_limit_is_never_passed_and_what_was_left_out_is_the_least_important(world, server):
    engine = world.engine(cost_tracking={"run_limit_usd": "0.005"}, calls={"workers": 1})
    work = [t for n, t in enumerate(tasks(12, words=400))]
    work = [
        type(t)(unit=t.unit, stage=t.stage, prompt=t.prompt, use_case=t.use_case, priority=n)
        for n, t in enumerate(work)
    ]
    results = engine.execute(work, gate)
    done = [n for n, r in enumerate(results) if r.answer]
    left = [n for n, r in enumerate(results) if not r.answer]
    assert done
    assert left
    assert all("over budget" in results[n].reason for n in left)
    assert min(done) > max(left)
    assert engine.cost().cash <= 5_000_000
    assert server.charged <= 5_000_000
    assert engine.cost().budgets[0].reached


def test_a_limit_of_nothing_sends_nothing(world, server):
    engine = world.engine(cost_tracking={"run_limit_usd": "0"})
    assert not engine.has_executor
    assert engine.execute(tasks(1), gate)[0].failure == "over_budget"
    assert server.requests == 0


def test_over_the_budget_of_the_dear_model_a_cheaper_one_is_asked(world, server):
    executors = [
        {"model": "gemini-3.8-flash", "provider": "google-ai-studio", "base_url": server.url, "use_cases": ["simple"]},
        {
            "model": "llama-3.3-70b-versatile",
            "provider": "groq",
            "base_url": f"{server.url}/v1",
            "use_cases": ["expert"],
        },
    ]
    engine = world.engine(executors=executors, cost_tracking={"run_limit_usd": "0.001"})
    assert models(engine.execute(tasks(1), gate)) == ["llama-3.3-70b-versatile"]


def test_an_unpriced_model_is_refused_before_the_first_call_and_a_price_admits_it(world, server):
    executors = [{"model": "nobodys-model", "provider": "openai-compatible", "base_url": f"{server.url}/v1"}]
    only = {"executors": executors, "orchestrator": {"provider": "local"}}
    refused = world.engine(**only)
    assert not refused.has_executor
    assert "no price" in " ".join(refused.cost().notes)
    priced = world.engine(
        **only,
        cost_tracking={"prices": [{"model": "nobodys-model", "input_usd_per_mtok": 1, "output_usd_per_mtok": 2}]},
    )
    assert priced.execute(tasks(1), gate)[0].answer
    usage = priced.cost().usage
    assert priced.cost().cash == (usage.input_tokens * 1 + usage.output_tokens * 2) * 1000


def test_retiring_names_are_mapped_to_their_successors_with_a_warning_and_both_are_recorded(world, server):
    executors = [{"model": "gemini-2.5-pro", "provider": "google-ai-studio", "base_url": server.url}]
    engine = world.engine(executors=executors, orchestrator={"model": "claude-sonnet-4.5"})
    engine.execute(tasks(1), gate)
    engine.judge(tasks(1), gate)
    assert [c.request_model for c in engine.cost().calls] == ["gemini-3.8-flash", "claude-sonnet-5-5"]
    assert [c.response_model for c in engine.cost().calls] == ["gemini-3.8-flash", "claude-sonnet-5-5"]
    assert sum("retires on" in note for note in engine.cost().notes) == 2


def test_off_means_off(world, server):
    assert not world.engine(enabled=False).has_executor


def test_the_shared_prefix_is_written_to_the_cache_once_and_read_afterwards(world, server):
    world.env.pop("GROQ_API_KEY")
    world.env.pop("GOOGLE_API_KEY")
    engine = world.engine(calls={"workers": 1})
    work = tasks(3)
    work = [type(t)(unit=t.unit, stage=t.stage, prompt=_with_context(t.prompt, "the map " * 2000)) for t in work]
    engine.execute(work, gate)
    written = [c.usage.cache_write_5m_tokens for c in engine.cost().calls]
    read = [c.usage.cache_read_tokens for c in engine.cost().calls]
    assert written[0] > 3000
    assert written[1:] == [0, 0]
    assert read == [0, written[0], written[0]]
    assert engine.cost().cash == server.charged


def _with_context(prompt, context):
    from dataclasses import replace

    return replace(prompt, context=context)


def test_a_truncated_answer_is_never_parsed_and_the_next_model_gets_twice_the_room(world, server):
    server.reset(script, lambda index: Fault.TRUNCATED if index == 0 else None)
    engine = world.engine()
    (result,) = engine.execute(tasks(1), gate)
    assert result.model == "gemini-3.8-flash"
    assert [c.outcome for c in engine.cost().calls] == ["truncated", "ok"]


def test_two_refusals_end_a_task_a_third_vendor_is_not_bothered(world, server):
    server.reset(script, lambda index: Fault.REFUSAL)
    engine = world.engine()
    (result,) = engine.execute(tasks(1), gate)
    assert result.answer is None
    assert len(engine.cost().calls) == 2


def test_answers_are_shared_between_runs_by_the_cache_and_a_dead_end_is_forgotten(world, server):
    engine = world.engine(calls={"cache_dir": str(world.folder)})
    engine.execute(tasks(3), gate)
    sent = server.requests
    again = world.engine(calls={"cache_dir": str(world.folder)})
    assert all(r.answer for r in again.execute(tasks(3), gate))
    assert server.requests == sent
    assert again.cost().cash == 0
    assert all(c.cached for c in again.cost().calls)
    server.reset(lambda q: {"unit": "wrong", "result": "x"})
    bad = {"calls": {"cache_dir": str(world.folder / "bad")}}
    assert world.engine(**bad).execute(tasks(1), gate)[0].answer is None
    server.reset(script)
    assert world.engine(**bad).execute(tasks(1), gate)[0].answer


def test_no_key_stands_in_the_journal_the_books_or_the_reasons(world, server):
    key = world.env["GROQ_API_KEY"]
    server.reset(lambda q: {"unit": unit_of(q), "result": f"I saw {key} there"})
    engine = world.engine(journal=True)
    results = engine.execute(tasks(1), gate)
    everything = (world.folder / "journal.jsonl").read_text() + repr(engine.cost()) + repr(results)
    assert MASK in everything
    assert not any(secret in everything for secret in world.env.values())


def test_cancelling_stops_new_calls_at_once(world, server):
    engine = world.engine(calls={"workers": 1})
    server.on_request = lambda index: engine.cancel() if index == 1 else None
    results = engine.execute(tasks(6), gate)
    assert server.requests == 2
    assert [r.failure for r in results if r.answer is None] == ["cancelled"] * sum(r.answer is None for r in results)
    assert sum(r.answer is None for r in results) >= 4


def test_every_line_of_the_journal_is_json_and_says_what_it_is(world, server):
    world.engine(journal=True).execute(tasks(2), gate)
    lines = [json.loads(line) for line in (world.folder / "journal.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines].count("unit") == 2
    assert lines[0]["kind"] == "run"
    assert {line["kind"] for line in lines} == {"run", "reserve", "settle", "unit"}


def test_building_an_engine_reads_only_the_named_variables_and_loads_no_sdk():
    asked = set()

    class Watched(dict):
        def get(self, key, default=None):
            asked.add(key)
            return super().get(key, default)

    env = Watched()
    build_engine(settings("http://127.0.0.1:1"), env)
    assert {name for name in asked if name} <= {
        "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GROQ_API_KEY", "OPENROUTER_API_KEY", "OPENAI_API_KEY",
        "ANTHROPIC_FEDERATION_RULE_ID", "ANTHROPIC_ORGANIZATION_ID", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    }  # fmt: skip
