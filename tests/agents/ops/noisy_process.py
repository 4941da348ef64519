"""Logs a number of lines into a desk's log: run as a process of its own by the tests."""

import logging
import sys
from pathlib import Path

from agents.ops.logs import configure_logs
from agents.settings import Settings


def main() -> None:
    folder, process, lines = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    configure_logs(Settings(data_dir=folder, mode="paper"), process, console=False, file_bytes=60_000)
    log = logging.getLogger("agents.noise")
    for number in range(lines):
        log.info("line %d of %s %s", number, process, "." * 60)


if __name__ == "__main__":
    main()
