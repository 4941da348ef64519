"""What a person sees and does in Dagster's pages, on the running desk."""

import json
import re
from collections.abc import Iterator
from datetime import date

import pytest
from playwright.sync_api import Locator, Page, expect

from agents.data.store import Row, Store
from agents.settings import Settings
from pipelines.definitions import defs
from tests.browser.desks import LiveDesk
from tests.browser.pictures import keep
from zonedesk.shell import wall_now

pytestmark = [pytest.mark.browser, pytest.mark.process]

GROUPS = ("market", "structure", "zones", "trading", "readers")
COMPUTED = (
    "volume_profile",
    "volume_profile_rows",
    "order_blocks",
    "fair_value_gaps",
    "explosive_zones",
    "zones",
    "zone_components",
    "zone_parts",
    "lifecycle_events",
    "analysis_candles",
    "verdicts",
)
TABLES = ("session_candles", *COMPUTED)
CHAIN = ("raw_candles", "candles", "order_blocks", "zones", "llm_validation", "cycles", "trades", "dashboard")
PATIENCE = 60_000  # milliseconds: two cores carry the desk, the browser and other tests
RUN_PATIENCE = 120_000


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """A page whose waits are as patient as a busy machine needs."""
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield page
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def store(desk: LiveDesk) -> Store:
    settings = Settings(mode="paper", data_dir=desk.folder)
    return Store(settings.store_path, "paper", now=wall_now, create=False)


@pytest.fixture(scope="module")
def past(store: Store) -> date:
    """A session inside the history with rows in as many tables as any; the market differs with the date of the test."""
    days: list[date] = [row[0] for row in store.rows("select distinct session from zones order by session")]
    assert len(days) > 4
    return max(days[1:-1], key=lambda on: sum(bool(rows) for rows in rows_of(store, on).values()))


def lineage(desk: LiveDesk) -> str:
    """Return the address of the whole asset graph, its groups opened."""
    listed = ["open-nodes%5B0%5D=zonedesk"]
    opened = [f"global%40global%3A{group}" for group in GROUPS]
    listed += [f"open-nodes%5B{number}%5D={group}" for number, group in enumerate(opened, 1)]
    return f"{desk.dagster}/asset-groups?expanded={'%2C'.join(opened)}&{'&'.join(listed)}"


def node(page: Page, name: str) -> Locator:
    """Return a node of the drawn graph."""
    return page.locator("foreignObject").get_by_text(name, exact=True).first


def local(url: str) -> bool:
    """Return whether a request stays on this machine."""
    return not url.startswith(("http", "ws")) or "//127.0.0.1" in url


def plain(text: str) -> str:
    """Return Markdown as a page shows it: without code marks, one space between words."""
    return " ".join(text.replace("`", "").split())


def show_chart(page: Page, desk: LiveDesk, asset: str, on: date) -> Locator:
    """Open the chart among the metadata of one partition and return the picture."""
    page.goto(f"{desk.dagster}/assets/{asset}?view=partitions&partition={on}")
    page.get_by_role("row", name="chart").get_by_text("Show Markdown").click()
    return page.get_by_role("dialog").get_by_role("img", name="chart")


def test_the_graph_shows_every_asset_and_each_has_its_description(desk: LiveDesk, page: Page) -> None:
    specs = defs.resolve_all_asset_specs()
    page.goto(lineage(desk))
    for spec in specs:
        expect(node(page, spec.key.to_user_string())).to_be_visible()
    for spec in specs:
        page.get_by_title(spec.key.to_user_string(), exact=True).last.click()  # in the list beside the graph
        first = plain((spec.description or "").split("\n\n")[0])
        assert len(first) > 30
        expect(page.get_by_text(first)).to_be_visible()
    assert len(specs) == 12


def test_the_lineage_runs_from_candles_to_orders_and_asks_nobody_else(desk: LiveDesk, page: Page) -> None:
    foreign: list[str] = []
    page.on("request", lambda ask: None if local(ask.url) else foreign.append(ask.url))
    page.set_viewport_size({"width": 1400, "height": 480})
    page.goto(lineage(desk))
    expect(node(page, "dashboard")).to_be_visible()
    page.get_by_text("Hide navigation").click()
    page.locator("//input[@placeholder='Jump to…']/following::button[1]").click()  # hides the list of assets
    page.mouse.dblclick(600, 450)  # on the background: fits the graph to the room that this made
    expect(node(page, "dashboard")).to_be_in_viewport(ratio=1)
    places = [node(page, name).bounding_box() for name in CHAIN]
    left = [place["x"] for place in places if place is not None]
    assert left == sorted(left)
    assert len(left) == len(CHAIN)
    keep(page, "dagster_lineage", size=(1400, 480))
    assert foreign == []


def test_the_checks_of_zones_have_passed_and_say_what_they_saw(desk: LiveDesk, page: Page) -> None:
    page.goto(f"{desk.dagster}/assets/zones?view=checks")
    for name in ("zones_cite_stored_findings", "zones_do_not_look_ahead"):
        page.get_by_text(name).first.click()
        expect(page.get_by_text("blocking").first).to_be_visible()
        expect(page.get_by_text("Passed", exact=True).first).to_be_visible()
    expect(page.get_by_text("the past stays as it was known").first).to_be_visible()
    keep(page, "dagster_checks")


@pytest.mark.parametrize(("asset", "words"), [("zones", "live zones"), ("volume_profile", "volume of future")])
def test_a_partition_shows_its_chart(desk: LiveDesk, page: Page, past: date, asset: str, words: str) -> None:
    picture = show_chart(page, desk, asset, past)
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 600
    drawn = picture.evaluate("image => atob(image.src.split(',')[1])").encode("latin-1").decode()
    assert f"{past:%d %b %Y}" in drawn
    assert words in drawn
    keep(page, f"dagster_{asset}", size=(1400, 800) if asset == "zones" else None)


def rows_of(store: Store, on: date, *, stamped: bool = False) -> dict[str, list[Row]]:
    """Return every computed row of a session; with the moment it was recorded where `stamped`."""
    without = "" if stamped else " exclude (recorded_at)"
    return {
        table: store.rows(f"select *{without} from {table} where session = ? order by all", [on]) for table in TABLES
    }


def forget(store: Store, on: date) -> None:
    """Delete what was computed for a session, so that whoever materialises it has everything to write."""
    with store.write() as connection:
        for table in COMPUTED:
            connection.execute(f"delete from {table} where session = ?", [on])


def choose_partition(page: Page, on: date) -> Locator:
    """Open the dialog that materialises the whole graph, name one session, and return the dialog."""
    page.get_by_role("button", name="Materialize all").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Show all partitions").click()
    box = dialog.get_by_placeholder(re.compile("^ex:"))
    box.fill(on.isoformat())
    box.press("Enter")
    expect(dialog.get_by_text("1 partition", exact=True)).to_be_visible()
    return dialog


def launch(page: Page, dialog: Locator) -> str:
    """Launch the run of a dialog, follow it to its end on its own page, and return its id."""
    dialog.get_by_role("button", name="Launch 1 run").click()
    launched = page.get_by_text("Launched run")
    expect(launched).to_be_visible()
    page.get_by_role("link", name="View", exact=True).or_(page.get_by_role("button", name="View", exact=True)).click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}"))
    ended = page.get_by_text(re.compile("^(Success|Failure|Canceled)$")).first
    ended.wait_for(timeout=RUN_PATIENCE)
    assert ended.inner_text() == "Success"
    return page.url.split("/runs/")[1][:36]


def test_a_past_date_rematerialised_from_the_page_has_the_rows_of_the_command(
    desk: LiveDesk, page: Page, store: Store, past: date
) -> None:
    first = rows_of(store, past, stamped=True)
    words = ("materialize", "--mode", "paper", "--from", str(past), "--to", str(past), "--json")
    done = desk.command(*words)
    assert done.returncode == 0, done.stderr
    assert {
        counts["rows_inserted"] for runs in json.loads(done.stdout)["rows"].values() for counts in runs.values()
    } == {0}
    assert rows_of(store, past, stamped=True) == first  # rows that did not change keep the moment they were recorded
    commanded = rows_of(store, past)
    assert [table for table in TABLES if not commanded[table]] in ([], ["verdicts"])  # a quiet session has none

    page.goto(lineage(desk))
    expect(node(page, "llm_validation")).to_be_visible()
    dialog = choose_partition(page, past)
    forget(store, past)
    run_id = launch(page, dialog)

    assert rows_of(store, past) == commanded
    assert rows_of(store, past, stamped=True)["session_candles"] == first["session_candles"]
    page.goto(f"{desk.dagster}/assets/zones?view=partitions&partition={past}")
    expect(page.get_by_role("link", name=run_id[:8]).first).to_be_visible()
