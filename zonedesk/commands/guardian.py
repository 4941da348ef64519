"""The command of the process that owns the orders."""

from zonedesk.shell import DataDir, Debug, Mode, Shell, settings_of


def guardian(*, data_dir: DataDir = None, mode: Mode = None, debug: Debug = False) -> None:
    """Guard the account's orders: one process for each account; a second one waits. Started by `up`."""
    shell = Shell(as_json=False, debug=debug)
    with shell.errors():
        from zonedesk.guardian import run_guardian  # noqa: PLC0415  (start-up)

        run_guardian(settings_of(data_dir, mode, default="paper"), shell.note)
