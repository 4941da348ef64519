"""Who judges under some settings, in words, without building the judge."""

from agents.settings import Settings


def judge_in_words(settings: Settings) -> str:
    """Return who judges and why, such as "rules, because no OPENAI_API_KEY is set"."""
    has_key, has_server = settings.openai_api_key is not None, settings.openai_base_url is not None
    model = f"{settings.zone_model} for zones, {settings.setup_model} for setups"
    where = f" at {settings.openai_base_url}" if has_server else ""
    if settings.judge == "auto" and not (has_key or has_server):
        return "rules, because no OPENAI_API_KEY is set"
    if settings.judge == "auto" and settings.mode == "replay":
        return f"recorded replies of {model}, because a replay never calls a model"
    if settings.judge in {"auto", "openai"}:
        return f"{model}{where}"
    return f"{settings.judge}, because ZONEDESK_JUDGE says so"
