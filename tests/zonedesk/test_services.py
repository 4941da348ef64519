from pathlib import Path

from streamlit import config

from agents.settings import Settings
from zonedesk.services import EXCHANGE, STREAMLIT_OPTIONS, environment, services


def test_every_dashboard_option_exists_in_this_streamlit() -> None:
    known = config.get_config_options()
    assert {name for name, _ in STREAMLIT_OPTIONS} <= set(known)


def test_the_dashboard_is_for_this_machine_only_and_sends_no_statistics() -> None:
    options = dict(STREAMLIT_OPTIONS)
    assert options["server.address"] == "127.0.0.1"
    assert options["browser.gatherUsageStats"] == "false"
    assert options["runner.postScriptGC"] == "false"
    assert [value for name, value in STREAMLIT_OPTIONS if name == "server.allowedHosts"] == ["localhost", "127.0.0.1"]


def test_every_process_binds_to_loopback(tmp_path: Path) -> None:
    settings = Settings(mode="paper", data_dir=tmp_path)
    for service in services(settings, tmp_path / "workspace.yaml", 4266):
        assert "0.0.0.0" not in service.command
        if service.check:
            assert "127.0.0.1" in service.check
            assert service.name == EXCHANGE or "127.0.0.1" in service.command  # the exchange knows no other address


def test_the_processes_know_the_desk_and_phone_nobody(tmp_path: Path) -> None:
    settings = Settings(mode="paper", data_dir=tmp_path)
    found = environment(settings, tmp_path / "dagster")
    assert found["ZONEDESK_DATA_DIR"] == str(tmp_path)
    assert found["DAGSTER_HOME"] == str(tmp_path / "dagster")
    assert found["DAGSTER_DISABLE_TELEMETRY"] == "1"
