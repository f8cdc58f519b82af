"""Compare the Logseq linter's reading with that of Logseq's own parser, page by page.

Usage: python bench/logseq_oracle.py MODULES [GRAPH ...]: MODULES holds ``node_modules/mldoc``; the committed corpus
``tests/modes/docgen/corpus`` is always compared, and every page of each GRAPH.
``--record`` instead of graphs writes what mldoc says about the corpus beside it, for tests on machines without node.
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from oracle.mldoc_reading import Mldoc, outline

from tta_orchestrate.modes.docgen.reading import read_page, references

CORPUS = Path(__file__).parents[1] / "tests" / "modes" / "docgen" / "corpus"


def ours(text: str) -> dict[str, Any]:
    """Return the linter's reading in the oracle's terms."""
    page = read_page(text)
    blocks = []
    for block in page.blocks:
        found = references("\n".join(block.lines()))
        names = [name for name, _ in [*block.properties, *block.late_properties]]
        blocks.append(
            {
                "level": block.level,
                "size": block.size,
                "bullet": block.bullet,
                "marker": block.marker,
                "properties": names,
                "fences": block.fences,
                "refs": {"pages": sorted(found.pages), "blocks": sorted(found.blocks), "tags": sorted(found.tags)},
            }
        )
    return {"properties": [name for name, _ in page.properties], "blocks": blocks}


def disagreement(text: str, oracle: Mldoc) -> str:
    """Return the first difference, ``""`` when both read the same."""
    mine, theirs = ours(text), outline(oracle.parse(text))
    if mine["properties"] != theirs["properties"]:
        return f"page properties: {mine['properties']} / {theirs['properties']}"
    for n, (a, b) in enumerate(zip(mine["blocks"], theirs["blocks"], strict=False)):
        if a != b:
            keys = [key for key in a if a[key] != b[key]]
            return f"block {n}: " + "; ".join(f"{key}: {a[key]} / {b[key]}" for key in keys)
    if len(mine["blocks"]) != len(theirs["blocks"]):
        return f"blocks: {len(mine['blocks'])} / {len(theirs['blocks'])}"
    return ""


def main(modules: str, *graphs: str) -> int:
    oracle = Mldoc(Path(modules))
    pages = sorted(CORPUS.glob("*.md"))
    for graph in graphs if graphs != ("--record",) else ():
        pages += sorted(Path(graph).rglob("*.md"))
    failed = 0
    for page in pages:
        found = disagreement(page.read_bytes().decode("utf-8"), oracle)
        if found:
            failed += 1
            print(f"{page}: {json.dumps(found, ensure_ascii=False)[:600]}")
    if graphs == ("--record",):
        verdicts = {page.name: outline(oracle.parse(page.read_bytes().decode("utf-8"))) for page in pages}
        text = json.dumps(verdicts, ensure_ascii=False, indent=1, sort_keys=True)
        (CORPUS / "mldoc.json").write_text(text + "\n", encoding="utf-8")
    oracle.close()
    print(f"pages compared: {len(pages)}; disagreements: {failed}")
    return 1 if failed or not pages else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
