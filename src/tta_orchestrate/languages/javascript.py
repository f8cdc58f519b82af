"""JavaScript and JSX."""

from typing import Final

from tta_orchestrate.ports.language import Language
from tta_orchestrate.syntax.ecmascript import JAVASCRIPT, EcmaScript

LANGUAGE: Final[Language] = EcmaScript(
    name="javascript", grammar=JAVASCRIPT, suffixes=(".js", ".jsx", ".mjs", ".cjs"), other={}
)
