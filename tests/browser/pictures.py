"""Screenshots of the tests: always for whoever looks into a failure, and for the documents on demand.

``ZONEDESK_SCREENSHOTS=1 pytest tests/browser`` takes the pictures in ``docs/images`` anew; without it, tests write only
into ``test-artifacts``, which git ignores.
"""

import os
from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "test-artifacts"
DOCUMENTS = ROOT / "docs" / "images"
MOST_BYTES = 250_000  # a picture in the repository is there for good


def for_documents() -> bool:
    """Return whether this run takes the documents' pictures."""
    return os.environ.get("ZONEDESK_SCREENSHOTS") == "1"


def keep(page: Page, name: str, *, size: tuple[int, int] | None = None) -> None:
    """Take a picture of what the page shows; with `size` it is one of the documents' pictures, of that many pixels."""
    ARTIFACTS.mkdir(exist_ok=True)
    if size is not None:
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.wait_for_timeout(1_500)  # pages lay themselves out again, some with an animation
    taken = page.screenshot(path=ARTIFACTS / f"{name}.png")
    if size is not None and for_documents():
        assert len(taken) < MOST_BYTES, f"{name}.png has {len(taken)} bytes; make it smaller than {MOST_BYTES}"
        (DOCUMENTS / f"{name}.png").write_bytes(taken)
