"""Section ``telemetry``: traces and metrics, off unless an endpoint is named."""

from pydantic import Field

from tta_orchestrate.settings.models import ENV_NAME
from tta_orchestrate.settings.section import Section


class Telemetry(Section):
    """Traces and metrics over OTLP/HTTP; needs the extra `tta-orchestrate[telemetry]`."""

    endpoint: str | None = Field(default=None, pattern=r"^https?://[^@\s]+$")
    """Base address of the collector; `/v1/traces` and `/v1/metrics` are appended. None: nothing is sent."""
    headers_env: str = Field(default="OTEL_EXPORTER_OTLP_HEADERS", pattern=ENV_NAME)
    """Name of the environment variable that holds the headers, `name=value` with commas between."""
    service_name: str = Field(default="tta-orchestrate", min_length=1, max_length=100)
    """`service.name` of everything that is sent."""
    flush_seconds: float = Field(default=5.0, gt=0, le=60)
    """The longest that a run waits for the collector at its end."""
    cost_attributes: bool = False
    """Also write the proposed `gen_ai.usage.cost.*` attributes."""
