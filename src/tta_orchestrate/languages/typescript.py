"""TypeScript and TSX."""

from typing import Final

from tta_orchestrate.ports.language import Language
from tta_orchestrate.syntax.ecmascript import TSX, TYPESCRIPT, EcmaScript

LANGUAGE: Final[Language] = EcmaScript(
    name="typescript", grammar=TYPESCRIPT, suffixes=(".ts", ".tsx", ".mts", ".cts"), other={".tsx": TSX}
)
