from datetime import UTC, datetime

from ui.links import cycle_run_address, link, replay_address, verdict_run_address

AT = datetime(2026, 11, 19, 6, 36, 40, tzinfo=UTC)  # 12:06:40 in India


def test_a_moment_leads_to_its_replay() -> None:
    assert replay_address(AT) == "/replay?session=2026-11-19&at=12:06:40"


def test_a_decision_leads_to_the_runs_of_its_three_minutes() -> None:
    address = cycle_run_address("http://127.0.0.1:3000", AT)
    assert address == "http://127.0.0.1:3000/runs?q%5B%5D=tag%3Azonedesk%2Fslot%3D2026-11-19T1206"


def test_a_verdict_leads_to_its_partition() -> None:
    address = verdict_run_address("http://d", AT)
    assert address == "http://d/assets/llm_validation?view=partitions&partition=2026-11-19"


def test_a_link_holds_no_markup_of_others() -> None:
    cell = link("<b>", '/x?"><script>', "<i>")
    assert "<b>" not in cell.markup
    assert "<script>" not in cell.markup
    assert cell.markup.count('"') == 4
