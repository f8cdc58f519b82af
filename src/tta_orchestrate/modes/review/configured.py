"""From the configuration's section ``review`` to the records that decide."""

from tta_orchestrate.domain.policy import FailOn, PathRule, Policy
from tta_orchestrate.domain.skips import SkipRules
from tta_orchestrate.modes.review.custom_rules import questions
from tta_orchestrate.modes.review.guidelines import Guidelines
from tta_orchestrate.modes.review.memory import Store
from tta_orchestrate.modes.review.reader import LEAST_CONTEXT, Options
from tta_orchestrate.modes.review.segments import Callers
from tta_orchestrate.settings import review as section
from tta_orchestrate.settings.model import Settings


def policy(settings: section.Review, baseline: frozenset[str]) -> Policy:
    """Return the policy that *settings* describe, with the accepted fingerprints of *baseline*."""
    return Policy(
        fail_on=_fail_on(settings.fail_on),
        rules=tuple(
            PathRule(paths=rule.paths, off=rule.disable, severity=rule.severity, fail_on=_fail_on(rule.fail_on))
            for rule in settings.rules
        ),
        min_severity=settings.min_severity,
        baseline=baseline,
    )


def skip_rules(settings: section.Review, only: tuple[str, ...] = ()) -> SkipRules:
    """Return what *settings* leave out, within the paths that the caller asked for."""
    ignored_by_rule = tuple(pattern for rule in settings.rules if rule.ignore for pattern in rule.paths)
    return SkipRules(
        ignore=(*settings.ignore, *ignored_by_rule),
        only=only,
        max_file_bytes=settings.max_file_bytes,
        max_line_length=settings.max_line_length,
    )


def options(settings: Settings, guidelines: Guidelines, store: Store, callers: Callers | None) -> Options:
    """Return how models read under *settings*."""
    asked = [settings.orchestrator.model, *(executor.model for executor in settings.executors)]
    return Options(
        models=" ".join(asked),
        threshold=settings.quality_threshold,
        shard_tokens=settings.review.shard_tokens,
        least_context=min(LEAST_CONTEXT, settings.review.context_tokens),
        most_context=settings.review.context_tokens,
        guidelines=guidelines.text,
        questions=questions(settings.review.custom_rules),
        describe=settings.review.describe,
        store=store,
        callers=callers,
    )


def _fail_on(bar: section.FailOn | None) -> FailOn | None:
    if bar is None:
        return None
    return FailOn(severity=bar.severity, categories=frozenset(bar.categories), min_confidence=bar.min_confidence)
