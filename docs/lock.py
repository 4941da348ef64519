"""Write requirements.lock: every package with its exact version and hashes, what the desk needs first.

Run it with ``make lock``. The part above the marker is all that running needs; the part below is for tests and
benchmarks. Both are resolved together, so that a package has one version.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
MARKER = "# ---- tests and benchmarks from here on ----"
HEADER = (
    "# Written by `make lock`; do not edit. Install with: pip install --no-deps --require-hashes -r requirements.lock"
)


def compiled(*options: str) -> dict[str, str]:
    """Return name -> the lines that pin it, resolved for Python 3.11 with `options`."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--python-version", "3.11", "--generate-hashes"]
    command += ["--no-header", "--no-annotate", *options, "pyproject.toml"]
    text = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout  # noqa: S603 - our own words
    pins: dict[str, str] = {}
    for line in text.splitlines():
        if not line.startswith((" ", "#")):
            name = line.split("==")[0].split("[")[0]
            pins[name] = line
        elif line.strip():
            pins[name] += "\n" + line
    return pins


def main() -> None:
    """Resolve everything, then the runtime part against it, and write both into one file."""
    everything = compiled("--extra", "dev", "--extra", "bench")
    constraints = ROOT / "build" / "constraints.txt"
    constraints.parent.mkdir(exist_ok=True)
    constraints.write_text("\n".join(pin.split(" ")[0] for pin in everything.values()))
    runtime = compiled("--constraint", str(constraints))
    rest = [pin for name, pin in everything.items() if name not in runtime]
    LOCK.write_text("\n".join([HEADER, *runtime.values(), MARKER, *rest]) + "\n")


if __name__ == "__main__":
    main()
