"""Which models there are: aliases, tiers, limits, retirement dates, successors. The data: ``catalogue.json``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Final

WARN_AHEAD: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One entry. Token limits of 0 mean: not known here."""

    name: str
    """The vendor's own id, as sent on the wire."""
    provider: str
    tier: str = "cheap"
    """``strong``, ``cheap`` or ``free``."""
    context_tokens: int = 0
    output_tokens: int = 0
    aliases: tuple[str, ...] = ()
    retires_on: date | None = None
    successor: str = ""
    min_cache_tokens: int = 0
    """Shortest prefix that the vendor caches; 0: no prompt cache, or not known."""
    free_tier: bool = False
    """The vendor offers it without payment, under daily limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What a configured name comes to today."""

    requested: str
    model: str
    entry: Model | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The whole file."""

    version: str
    models: Mapping[str, Model]
    aliases: Mapping[str, str]
    key_names: Mapping[str, str]
    """Provider → the usual name of the environment variable with its key."""

    def find(self, name: str) -> Model | None:
        """Return the entry of *name* or of what it is an alias of."""
        return self.models.get(self.aliases.get(name, name))

    def resolve(self, name: str, today: date) -> Resolved:
        """Return the model to call for the configured *name*: aliases followed, the retired replaced, with warnings.

        A model that retires within 30 days is replaced already, so that the day itself breaks nothing. A name that is
        not in the catalogue is passed on as it stands: an endpoint may know it.
        """
        entry, warnings, seen = self.find(name), [], {name}
        while entry and entry.retires_on and entry.successor and today >= entry.retires_on - WARN_AHEAD:
            retired = "retired" if today >= entry.retires_on else "retires"
            warnings.append(
                f"model {name!r} is {entry.name}, which {retired} on {entry.retires_on}: using {entry.successor}"
                " instead; name it in the configuration"
            )
            if entry.successor in seen:
                break
            seen.add(entry.successor)
            name_now, entry = entry.successor, self.find(entry.successor)
            if entry is None:
                return Resolved(requested=name, model=name_now, entry=None, warnings=tuple(warnings))
        return Resolved(requested=name, model=entry.name if entry else name, entry=entry, warnings=tuple(warnings))

    def retiring(self, today: date) -> tuple[Model, ...]:
        """Return the models that are gone or will be within 30 days, soonest first."""
        due = [m for m in self.models.values() if m.retires_on and m.retires_on - WARN_AHEAD <= today]
        return tuple(sorted(due, key=lambda m: (m.retires_on or date.max, m.name)))


@cache
def load() -> Catalogue:
    """Read the shipped catalogue."""
    raw = json.loads(files("tta_orchestrate.engine").joinpath("catalogue.json").read_text(encoding="utf-8"))
    models = {
        name: Model(
            name=name,
            provider=row["provider"],
            tier=row["tier"],
            context_tokens=row.get("context", 0),
            output_tokens=row.get("output", 0),
            aliases=tuple(row.get("aliases", ())),
            retires_on=date.fromisoformat(row["retires_on"]) if "retires_on" in row else None,
            successor=row.get("successor", ""),
            min_cache_tokens=row.get("min_cache", 0),
            free_tier=row.get("free_tier", False),
        )
        for name, row in raw["models"].items()
    }
    aliases = {alias: model.name for model in models.values() for alias in model.aliases}
    return Catalogue(version=raw["version"], models=models, aliases=aliases, key_names=raw["api_key_env"])
