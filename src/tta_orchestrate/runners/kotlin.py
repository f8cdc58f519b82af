"""Kotlin with JUnit. The system's compiler knows Kotlin 1.3: what needs a newer language does not compile here."""

from typing import Final

from tta_orchestrate.ports.test_runner import TestRunner, Words
from tta_orchestrate.syntax import kotlintests
from tta_orchestrate.syntax.jvmrunner import JvmRunner

_WORDS: Final = Words(
    framework="Kotlin tests (language version 1.3) for JUnit 5",
    rules="imports, then one function `@Test fun nameAsGiven() { ... }` without a class around it, without parameters "
    "and other annotations; checks with assertEquals(expected, actual), assertThrows(Type::class.java) { ... } and the "
    "like, which are imported already; the test stands in the package of the tested code",
    example="@Test\nfun halvesAnEvenNumber() {\n    assertEquals(listOf(2), Half().of(4))\n}",
)
RUNNER: Final[TestRunner] = JvmRunner(
    name="JUnit for Kotlin", language="Kotlin", suffixes=(".kt",), words=_WORDS, grammar=kotlintests
)
