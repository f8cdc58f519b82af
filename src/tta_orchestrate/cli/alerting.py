"""From settings and environment to alerts: which rules hold, and who is told. Nothing here fails a run."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from tta_orchestrate import registry
from tta_orchestrate.cli import books
from tta_orchestrate.domain.alarm import Alert, Rules, ppm
from tta_orchestrate.domain.redaction import mask
from tta_orchestrate.domain.sanitiser import plain
from tta_orchestrate.ports.alerting import Address, Message

if TYPE_CHECKING:
    from tta_orchestrate.settings.alerts import Recipient
    from tta_orchestrate.settings.model import Settings


def rules(settings: "Settings", retires: Mapping[str, date]) -> Rules:
    """Return what is watched; *retires*: when each configured model goes."""
    alerts = settings.alerts
    shares = (settings.cost_tracking.alert_threshold, *alerts.thresholds)
    return Rules(
        limits=books.limits(settings),
        thresholds=tuple(Decimal(str(share)) for share in shares if share > 0),
        forecast=alerts.forecast,
        quality_drop_ppm=ppm(alerts.quality_drop),
        retirement_days=alerts.retirement_days,
        retires=retires,
        prices=alerts.prices,
        breaker=alerts.breaker,
        zone=settings.cost_tracking.zone,
    )


def tell(
    alerts: Sequence[Alert],
    recipients: Sequence["Recipient"],
    env: Mapping[str, str],
    now: datetime,
    secrets: Sequence[str] = (),
) -> tuple[str, ...]:
    """Tell every recipient, and return a note for each that could not be told."""
    if not alerts:
        return ()
    hidden = [one for one in (*secrets, *_secrets(recipients, env)) if one]
    message = Message(
        repository=_clean(env.get("GITHUB_REPOSITORY", "") or "this repository", hidden),
        alerts=tuple(_presentable(one, hidden) for one in alerts),
        url=_run_url(env),
        sent_at=int(now.timestamp()),
    )
    return tuple(note for one in recipients if (note := _told(message, one, env)))


def _told(message: Message, recipient: "Recipient", env: Mapping[str, str]) -> str:
    channel = recipient.channel.value
    try:
        registry.load("alerts", channel).send(message, address(recipient, env))
    except (OSError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}" if isinstance(error, ValueError) else _reason(error)
        return f"the alert could not be sent by {channel}: {plain(mask(reason, _secrets([recipient], env)), 200)}"
    return ""


def _reason(error: OSError) -> str:
    return str(error.args[0] if len(error.args) == 1 else error.strerror or type(error).__name__)


def address(recipient: "Recipient", env: Mapping[str, str]) -> Address:
    """Return where *recipient* is; what its variables do not hold is empty."""
    return Address(
        url=env.get(recipient.url_env or "", ""),
        secret=env.get(recipient.secret_env or "", ""),
        host=recipient.host,
        port=recipient.port,
        security=recipient.security.value,
        user=recipient.user,
        sender=recipient.sender,
        to=recipient.to,
    )


def _secrets(recipients: Sequence["Recipient"], env: Mapping[str, str]) -> list[str]:
    names = (name for one in recipients for name in (one.url_env, one.secret_env) if name)
    return [env[name] for name in names if env.get(name)]


def _presentable(alert: Alert, hidden: Sequence[str]) -> Alert:
    return Alert(
        rule=_clean(alert.rule, hidden),
        period=_clean(alert.period, hidden),
        title=_clean(alert.title, hidden),
        text=_clean(alert.text, hidden),
        severe=alert.severe,
    )


def _clean(text: str, hidden: Sequence[str]) -> str:
    return plain(mask(text, hidden), 500)


def _run_url(env: Mapping[str, str]) -> str:
    server, repository, run = (env.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    return f"{server}/{repository}/actions/runs/{run}" if server.startswith("https://") and repository and run else ""
