"""Links from blocks to the sources they speak of, at a commit that stays right while the symbol does not change."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from tta_orchestrate.modes.docgen.codebase import Codebase
from tta_orchestrate.modes.docgen.manifest import Evidence
from tta_orchestrate.modes.docgen.model import Code, Inline, Link, Text, block_id
from tta_orchestrate.settings.docgen import Docgen

_HOSTS: Final = (
    ("gitlab", "{base}/-/blob/{commit}/{path}#L{start}-{end}"),
    ("bitbucket", "{base}/src/{commit}/{path}#lines-{start}:{end}"),
    ("", "{base}/blob/{commit}/{path}#L{start}-L{end}"),
)


class SourceLinks:
    """The links of one page; the evidence they rest on is collected for the manifest.

    A symbol whose lines did not change keeps the commit and the line numbers of the time it was read, so that
    neither other commits nor lines above it change its page.
    """

    def __init__(self, path: str, known: Mapping[str, Evidence], base: Codebase, settings: Docgen) -> None:
        self.path = path
        self.known = known
        self.base = base
        self.template = settings.source_url
        self.evidence: dict[str, Evidence] = {}

    def link(self, symbol: str, digest: str, start: int, end: int) -> Inline | None:
        """Return the link to lines ``start..end`` of the page's source."""
        old = self.known.get(symbol)
        if old is not None and old.digest == digest:
            found = old
        else:
            identity = block_id(self.base.project, f"{self.path}|{symbol}")
            found = Evidence(digest=digest, start_line=start, end_line=end, commit=self.base.tree.commit, id=identity)
        self.evidence.setdefault(symbol, found)
        label = self.path if not symbol else f"{self.path.rpartition('/')[2]}:{found.start_line}"
        url = self._url(found)
        if url:
            return Link(url, label)
        return Text(label) if not symbol else Code(f"{self.path}:{found.start_line}")

    def _url(self, found: Evidence) -> str:
        if not found.commit:
            return ""
        template = self.template or self._host_template()
        fields = {"path": quote(self.path), "commit": found.commit, "start": found.start_line, "end": found.end_line}
        url = re.sub(r"\{(path|commit|start|end)\}", lambda m: str(fields[m.group(1)]), template)
        return url if found.end_line else url.partition("#")[0]

    def _host_template(self) -> str:
        if not self.base.server_url or not self.base.repository:
            return ""
        address = f"{self.base.server_url}/{self.base.repository}"
        return next(t for host, t in _HOSTS if host in self.base.server_url).replace("{base}", address)
