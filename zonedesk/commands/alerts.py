"""The command that shows what a person must see, and takes note of who has seen it."""

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zonedesk.shell import DataDir, Debug, ExitCode, Json, Mode, Shell, settings_of

if TYPE_CHECKING:
    from agents.data.ledger import Ledger, Message

Ack = Annotated[int | None, typer.Option("--ack", help="Take note that this alert was seen.", show_default=False)]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, the newest first.")]
SEEN = "alert_seen"


def alerts(
    *,
    ack: Ack = None,
    limit: Limit = 20,
    as_json: Json = False,
    data_dir: DataDir = None,
    mode: Mode = None,
    debug: Debug = False,
) -> None:
    """Show the last alerts: how bad, whether they were sent, and who has seen them. Critical unseen ones end with 3."""
    shell = Shell(as_json, debug)
    with shell.errors():
        from agents.data.ledger import Severity  # noqa: PLC0415  (start-up)
        from zonedesk.ledgers import existing_ledger  # noqa: PLC0415  (start-up)

        ledger = existing_ledger(settings_of(data_dir, mode, default="paper"))
        if ack is not None:
            _see(ledger, ack)
        messages, seen = ledger.outbox.recent(limit), _seen(ledger)
        shell.result(
            {"alerts": [_facts(message, seen) for message in messages]},
            "\n".join(_line(message, seen) for message in messages) or "there are no alerts",
        )
        if any(message.severity is Severity.CRITICAL and message.id not in seen for message in messages):
            raise typer.Exit(ExitCode.NOT_READY)


def _see(ledger: "Ledger", message_id: int) -> None:
    """Take note of a person who has seen an alert, once. Raises `MissingDataError` if there is no such alert."""
    from agents.domain.errors import MissingDataError  # noqa: PLC0415  (start-up)

    if ledger.outbox.find(message_id) is None:
        raise MissingDataError(f"there is no alert {message_id}; see the numbers of `zonedesk alerts`")
    if message_id not in _seen(ledger):
        ledger.append(SEEN, {"message": message_id, "by": getpass.getuser()}, key=str(message_id))


def _seen(ledger: "Ledger") -> dict[int, str]:
    """Return who has seen which alert."""
    return {event.payload["message"]: event.payload["by"] for event in ledger.events(SEEN)}


def _facts(message: "Message", seen: dict[int, str]) -> dict[str, Any]:  # Any: JSON
    return {**message.model_dump(mode="json"), "seen_by": seen.get(message.id)}


def _line(message: "Message", seen: dict[int, str]) -> str:
    from zonedesk.views import ist  # noqa: PLC0415  (start-up)

    sent = "sent" if message.sent_at else f"not sent after {message.attempts} tries: {message.last_error}"
    sent = "waiting" if not message.sent_at and not message.attempts else sent
    by = f", seen by {seen[message.id]}" if message.id in seen else ""
    return f"{message.id:5}  {ist(message.created_at)}  {message.severity:8}  {message.text}  ({sent}{by})"
