"""Java with JUnit."""

from typing import Final

from tta_orchestrate.ports.test_runner import TestRunner, Words
from tta_orchestrate.syntax import javatests
from tta_orchestrate.syntax.jvmrunner import JvmRunner

_WORDS: Final = Words(
    framework="Java tests for JUnit 5",
    rules="import declarations, then one method `@Test void nameAsGiven() { ... }` without a class around it, without "
    "parameters and other annotations; checks with assertEquals(expected, actual), assertThrows(Type.class, () -> ...) "
    "and their like, which are imported already; the test stands in the package of the tested class",
    example="import java.util.List;\n\n@Test\nvoid halvesAnEvenNumber() {\n"
    "    assertEquals(List.of(2), new Half().of(4));\n}",
)
RUNNER: Final[TestRunner] = JvmRunner(
    name="JUnit", language="Java", suffixes=(".java",), words=_WORDS, grammar=javatests
)
