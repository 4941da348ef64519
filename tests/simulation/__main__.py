"""``python -m tests.simulation --seed 7 --trace`` replays a session; ``--seeds 20000`` runs many."""

import argparse
import sys
import time

from tests.simulation.naive import VARIANTS
from tests.simulation.sweep import Outcome, Tally, run_one, swept

PROGRESS = 500


def main() -> int:
    """Run what is asked for; return 1 if something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="replay one session")
    parser.add_argument("--trace", action="store_true", help="print everything that happened in it")
    parser.add_argument("--seeds", type=int, default=300, help="run so many sessions")
    parser.add_argument("--first", type=int, default=0, help="the first seed of many")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--variant", choices=sorted(VARIANTS), default="", help="a naive guardian instead of the real")
    args = parser.parse_args()
    if args.seed is not None:
        return _replay(args.seed, args.variant, trace=args.trace)
    return _many(range(args.first, args.first + args.seeds), args.variant, args.processes)


def _replay(seed: int, variant: str, *, trace: bool) -> int:
    result = run_one(variant, seed)
    lines = result.trace if trace else result.trace[:1]
    sys.stdout.write("\n".join(lines) + "\n")
    for violation in result.violations:
        sys.stdout.write(f"{violation.invariant} in second {violation.second}: {violation.text}\n")
    for stretch in result.naked:
        sys.stdout.write(f"{stretch}\n")
    return 1 if result.violations else 0


def _many(seeds: range, variant: str, processes: int) -> int:
    total, begun = Tally(), time.perf_counter()
    for outcome in swept(seeds, variant=variant, processes=processes):
        total.add(outcome)
        if outcome.violations:
            sys.stdout.write(report(outcome, variant) + "\n")
            sys.stdout.flush()
        if total.seeds % PROGRESS == 0:
            pace = total.seeds / (time.perf_counter() - begun)
            sys.stdout.write(f"... {total} ({pace:.1f} a second)\n")
            sys.stdout.flush()
    pace = total.seeds / (time.perf_counter() - begun)
    sys.stdout.write(f"{total} ({pace:.1f} a second)\n")
    return 0 if total.holds else 1


def report(outcome: Outcome, variant: str = "") -> str:
    """Return what a failing seed did, and the command that replays it."""
    first = min(outcome.violations, key=lambda violation: violation.second)
    named = sorted({violation.invariant for violation in outcome.violations})
    chosen = f" --variant {variant}" if variant else ""
    told = "".join(f"\n    {stretch}" for stretch in outcome.naked)
    return (
        f"seed {outcome.seed} violates {', '.join(named)}; first {first.invariant} in second {first.second}: "
        f"{first.text}{told}\n    python -m tests.simulation --seed {outcome.seed}{chosen} --trace"
    )


if __name__ == "__main__":
    raise SystemExit(main())
