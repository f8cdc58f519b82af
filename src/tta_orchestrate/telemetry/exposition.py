"""Samples in Prometheus' text format 0.0.4, for the textfile collector or a Pushgateway."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from tta_orchestrate.domain.sanitiser import plain
from tta_orchestrate.telemetry.samples import Sample
from tta_orchestrate.telemetry.semconv import DURATION_BUCKETS, INSTRUMENTS, Instrument

_LONGEST: Final = 200
_Labels = tuple[tuple[str, str], ...]


def text(samples: Iterable[Sample]) -> str:
    """Return the whole file; instruments without samples are left out."""
    found: dict[str, dict[_Labels, list[Decimal]]] = {}
    for sample in samples:
        labels = tuple((name, plain(value, _LONGEST)) for name, value in sorted(sample.labels.items()))
        found.setdefault(sample.name, {}).setdefault(labels, []).append(sample.value)
    lines: list[str] = []
    for instrument in INSTRUMENTS:
        if instrument.name in found:
            lines += _family(instrument, found[instrument.name])
    return "\n".join(lines) + "\n"


def _family(instrument: Instrument, series: Mapping[_Labels, list[Decimal]]) -> Iterator[str]:
    name = instrument.prometheus
    yield f"# HELP {name} {instrument.help}"
    yield f"# TYPE {name} {instrument.kind}"
    for labels in sorted(series):
        values = series[labels]
        match instrument.kind:
            case "histogram":
                yield from _histogram(name, labels, values)
            case "gauge":
                yield f"{name}{_braces(labels)} {_number(max(values))}"
            case _:
                yield f"{name}{_braces(labels)} {_number(sum(values, Decimal(0)))}"


def _histogram(name: str, labels: _Labels, values: list[Decimal]) -> Iterator[str]:
    for bound in DURATION_BUCKETS:
        below = sum(value <= Decimal(str(bound)) for value in values)
        yield f"{name}_bucket{_braces((*labels, ('le', str(bound))))} {below}"
    yield f"{name}_bucket{_braces((*labels, ('le', '+Inf')))} {len(values)}"
    yield f"{name}_sum{_braces(labels)} {_number(sum(values, Decimal(0)))}"
    yield f"{name}_count{_braces(labels)} {len(values)}"


def _braces(labels: _Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: Decimal) -> str:
    return f"{value:f}"
