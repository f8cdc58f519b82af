"""Diagrams that are valid by construction: nodes are numbered, labels are quoted, size is capped."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tta_orchestrate.domain.symbol import Module
from tta_orchestrate.modes.docgen.model import Block, Fence, Text

MERMAID_WRITERS: Final = ("markdown", "mkdocs", "obsidian", "sphinx")
_MAX_NODES: Final = 40


def of_module(module: Module, title: str) -> Iterator[Block]:
    """Yield the class diagram of *module*, when it has classes that build on each other."""
    edges: list[tuple[str, str]] = []
    for symbol in module.public():
        edges += [(base.partition("[")[0], symbol.path) for base in symbol.bases]
    if edges:
        yield _block("diagram", title, mermaid(edges, "BT", reverse=True))


def of_imports(imports: Mapping[str, Sequence[str]], title: str) -> Block | None:
    """Return the import graph of pages (from each page to the pages it imports), ``None`` when there is none."""
    edges = [(page, target) for page in sorted(imports) for target in sorted(set(imports[page])) if target != page]
    return _block("diagram", title, mermaid(edges, "LR")) if edges else None


def mermaid(edges: Sequence[tuple[str, str]], direction: str, *, reverse: bool = False) -> str:
    """Return a flow chart with at most forty nodes; what does not fit is counted in a last node."""
    nodes: dict[str, str] = {}
    lines: list[str] = []
    left_out = 0
    for source, target in dict.fromkeys(edges):
        if len(nodes.keys() | {source, target}) > _MAX_NODES:
            left_out += 1
            continue
        first = nodes.setdefault(source, f"n{len(nodes)}")
        second = nodes.setdefault(target, f"n{len(nodes)}")
        lines.append(f"  {second} --> {first}" if reverse else f"  {first} --> {second}")
    declared = [f'  {node}["{_label(name)}"]' for name, node in nodes.items()]
    if left_out:
        declared.append(f'  more["+ {left_out}"]')
    return "\n".join([f"flowchart {direction}", *declared, *lines])


def _label(name: str) -> str:
    return "".join(c if c.isalnum() or c in "._/-: " else f"#{ord(c)};" for c in name)


def _block(key: str, title: str, text: str) -> Block:
    code = Block(key=f"{key}/code", fence=Fence(language="mermaid", text=text), only=MERMAID_WRITERS)
    return Block(key=key, body=(Text(title),), heading=2, children=(code,), only=MERMAID_WRITERS)
