"""What a model may claim: a closed list, so that a finding keeps its identity however it is worded."""

from collections.abc import Iterable, Mapping
from typing import Final

from tta_orchestrate.domain.finding import Category, Rule, Severity

_ROWS: Final = (
    ("logic-error", Category.BUG, Severity.HIGH, "the code does not do what it is plainly meant to do"),
    ("off-by-one", Category.BUG, Severity.MEDIUM, "a bound, an index or a range is wrong by one"),
    ("null-dereference", Category.BUG, Severity.HIGH, "a value that can be absent is used as if it were there"),
    ("wrong-type", Category.BUG, Severity.MEDIUM, "a value of another type or unit than expected"),
    ("api-misuse", Category.BUG, Severity.MEDIUM, "a function is called against its contract"),
    ("broken-caller", Category.BUG, Severity.HIGH, "a changed name, signature or result breaks code that relies on it"),
    ("data-loss", Category.BUG, Severity.HIGH, "data is lost, overwritten or corrupted"),
    ("error-handling", Category.RELIABILITY, Severity.MEDIUM, "an error is swallowed, masked or left unhandled"),
    ("race-condition", Category.RELIABILITY, Severity.HIGH, "the result depends on timing; missing lock or await"),
    ("resource-leak", Category.RELIABILITY, Severity.MEDIUM, "a file, connection, lock or task is never released"),
    ("endless-loop", Category.RELIABILITY, Severity.HIGH, "a loop, recursion, retry or wait without an end"),
    ("injection", Category.SECURITY, Severity.CRITICAL, "untrusted text reaches a query, shell, path, page or loader"),
    ("authorization", Category.SECURITY, Severity.CRITICAL, "a check of identity or permission is missing or wrong"),
    ("cryptography", Category.SECURITY, Severity.HIGH, "weak or misused cryptography, randomness or TLS"),
    ("data-exposure", Category.SECURITY, Severity.HIGH, "secret or personal data reaches a log, a page or a peer"),
    ("unsafe-input", Category.SECURITY, Severity.HIGH, "input is used without a check of its size, form or range"),
    ("slow-code", Category.PERFORMANCE, Severity.MEDIUM, "needless work that grows with the input"),
    ("wrong-test", Category.TESTING, Severity.MEDIUM, "a test that cannot fail, or checks something else"),
    ("wrong-documentation", Category.DOCUMENTATION, Severity.LOW, "a comment or text contradicts the code"),
    ("dead-code", Category.MAINTAINABILITY, Severity.LOW, "code that can never run or has no effect"),
)
PREFIX: Final = "model/"
QUESTION: Final = "question/"
"""What the ids of the configuration's own questions start with."""

MODEL_RULES: Final[Mapping[str, Rule]] = {
    f"{PREFIX}{name}": Rule(
        id=f"{PREFIX}{name}",
        title=name.replace("-", " ").capitalize(),
        category=category,
        severity=severity,
        why=why,
        confidence=0.5,
    )
    for name, category, severity, why in _ROWS
}


def said_by_model(rule: str) -> bool:
    """Whether *rule* is one that only models claim."""
    return rule.startswith((PREFIX, QUESTION))


def catalogue(rules: Iterable[Rule]) -> str:
    """Return one line for each rule, as prompts list them."""
    return "\n".join(f"{rule.id.removeprefix(PREFIX)}: {rule.why}" for rule in rules)
