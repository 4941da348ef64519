"""Draw the diagrams of docs/architecture.md from the code, or check that they still match.

``python docs/draw.py`` exits 1 if a diagram is out of date, ``--write`` redraws them. A diagram stands between
``<!-- drawn: name -->`` and ``<!-- end -->``.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import grimp

PAGE = Path(__file__).resolve().parent / "architecture.md"
PACKAGES = ("zonedesk", "pipelines", "ui", "exchange", "agents", "analytics_ext")
# Everyone may use the vocabulary, so arrows to it would only hide the others; the bare package only names its classes.
LEFT_OUT = {"agents", "agents.domain", "agents.ports", "agents.settings"}
BLOCK = re.compile(r"(<!-- drawn: (?P<name>[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _box(module: str) -> str:
    """Return the box of the diagram that a module belongs to: its package, inside agents one level deeper."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "agents" and len(parts) > 1 else parts[0]


def imports() -> str:
    """Return a Mermaid graph of which part imports which."""
    graph = grimp.build_graph(*PACKAGES)
    edges = set()
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            edges.add((_box(importer), _box(imported)))
    lines = [
        f"  {a.replace('.', '_')}[{a}] --> {b.replace('.', '_')}[{b}]"
        for a, b in sorted(edges)
        if a != b and not {a, b} & LEFT_OUT
    ]
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```"])


def lineage() -> str:
    """Return a Mermaid graph of the assets as Dagster knows them."""
    from pipelines.definitions import defs  # noqa: PLC0415 - Dagster is slow to import and only this diagram needs it

    graph = defs.resolve_asset_graph()
    lines = []
    for key in sorted(graph.get_all_asset_keys(), key=lambda k: k.to_user_string()):
        parents = sorted(p.to_user_string() for p in graph.get(key).parent_keys)
        lines += [f"  {parent} --> {key.to_user_string()}" for parent in parents]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```"])


DRAWN: dict[str, Callable[[], str]] = {"imports": imports, "lineage": lineage}


def redrawn(page: str) -> str:
    """Return `page` with every drawn block replaced by what the code says now."""
    return BLOCK.sub(lambda m: f"{m.group(1)}{DRAWN[m.group('name')]()}\n{m.group(3)}", page)


def main() -> int:
    """Check the page, or rewrite it."""
    page = PAGE.read_text()
    now = redrawn(page)
    if "--write" in sys.argv:
        PAGE.write_text(now)
        return 0
    if now != page:
        print(f"{PAGE.name} no longer matches the code: run `make docs` and read what changed", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
