"""The judge that asks a language model."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from agents.domain.errors import ConfigError
from agents.domain.evidence import SetupEvidence, SetupVerdict, ZoneEvidence
from agents.domain.values import IST
from agents.domain.zones import ZoneVerdict
from agents.llm.attempts import Sleep
from agents.llm.gateway import CACHE_AGE, Gateway, Result, Rules
from agents.llm.loop import LoopThread
from agents.llm.models import RETIRED
from agents.llm.question import Question, R, setup_question, zone_question
from agents.llm.replies import ZoneReply
from agents.llm.verdicts import Panel, Said, setup_verdict, zone_verdict
from agents.ports import Breaker, CallLog, Clock
from agents.settings import Settings

BATCH_SECONDS = 45.0
AT_ONCE = 8


class OpenAIJudge:
    """`ports.Judge` over any server that speaks the chat-completions protocol.

    Parameters
    ----------
    settings : Settings
        Key, address, models, temperature, deadline and daily budget.
    calls, breaker, clock
        Ports. The breaker is shared by all processes.
    panel : Panel, optional
        How many answers are asked for about one setup and what they take; the settings' if not given.
    batch_seconds : float
        Longest time that all zones of a candle, or all answers about a setup, may take together.
    sleep : callable
        Waits between attempts.

    Raises
    ------
    ConfigError
        If there is neither a key nor the address of a server that may want none.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        calls: CallLog,
        breaker: Breaker,
        clock: Clock,
        panel: Panel | None = None,
        batch_seconds: float = BATCH_SECONDS,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        if settings.openai_api_key is None and settings.openai_base_url is None:
            raise ConfigError("no key for the model server; set OPENAI_API_KEY, or ZONEDESK_JUDGE=rules to do without")
        # The client takes half a second to import, which only a desk with a model should pay.
        from agents.llm.openai import OpenAIServer  # noqa: PLC0415

        self._clock = clock
        self._panel = panel or Panel.of(settings)
        self._batch_seconds = batch_seconds
        self._loop = LoopThread("judge")
        self._server = OpenAIServer(settings.openai_api_key, settings.openai_base_url, settings.judge_deadline_seconds)
        rules = Rules(
            deadline=settings.judge_deadline_seconds,
            daily_budget=settings.judge_daily_budget,
            cache_age=None if settings.mode == "replay" else CACHE_AGE,
        )

        def gateway(question: Question[R]) -> Gateway[R]:
            return Gateway(
                question,
                self._server,
                calls=calls,
                breaker=breaker,
                clock=clock,
                rules=rules,
                sleep=sleep,
            )

        self.zones = gateway(zone_question(settings.zone_model, settings.temperature))
        self.setups = gateway(setup_question(settings.setup_model, settings.temperature))

    @property
    def name(self) -> str:
        """Return who speaks: "openai:" and the models, the one for zones first."""
        return f"openai:{'+'.join(dict.fromkeys(self._models))}"

    def judge_zones(self, evidence: Sequence[ZoneEvidence], known_at: datetime) -> Sequence[ZoneVerdict]:
        """Ask about all zones at once and return one verdict for each, in order."""
        results = self._loop.run(self._ask_zones(evidence, known_at))
        question = self.zones.question
        judge = f"openai:{question.model}"
        return tuple(
            zone_verdict(one, _said(result), judge, question.prompt_sha, known_at)
            for one, result in zip(evidence, results, strict=True)
        )

    def judge_setup(self, evidence: SetupEvidence) -> SetupVerdict:
        """Ask about a setup, as often as the panel says, and return one verdict."""
        now, seconds = self._clock.now(), self._batch_seconds
        asked = self.setups.evaluate_all(evidence, self._panel.samples, at=now, seconds=seconds)
        said = [_said(result) for result in self._loop.run(asked)]
        question = self.setups.question
        return setup_verdict(evidence, said, f"openai:{question.model}", question.prompt_sha, self._panel)

    def check_models(self) -> None:
        """Find out before the first question whether the server has the models; at start-up.

        Raises
        ------
        ConfigError
            If a model is retired or the server does not know it.
        JudgeUnavailableError
            If the server cannot be asked.
        """
        today = self._clock.now().astimezone(IST).date()
        for model in self._models:
            if model in RETIRED and RETIRED[model] <= today:
                raise ConfigError(f"the model {model} no longer answers since {RETIRED[model]}; {_CURE}")
        served = self._loop.run(self._server.models())
        missing = [model for model in self._models if served is not None and model not in served]
        if missing:
            raise ConfigError(f"the server does not know the model {', '.join(missing)}; {_CURE}")

    def close(self) -> None:
        """Close the connections and stop the thread."""
        self._loop.run(self._server.close())
        self._loop.close()

    @property
    def _models(self) -> tuple[str, str]:
        return self.zones.question.model, self.setups.question.model

    async def _ask_zones(self, evidence: Sequence[ZoneEvidence], known_at: datetime) -> list[Result[ZoneReply]]:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._batch_seconds
        gate = asyncio.Semaphore(AT_ONCE)

        async def ask(one: ZoneEvidence) -> Result[ZoneReply]:
            async with gate:
                return await self.zones.evaluate(one, at=known_at, seconds=max(0.0, ends_at - loop.time()))

        return await asyncio.gather(*(ask(one) for one in evidence))


_CURE = "set ZONEDESK_ZONE_MODEL and ZONEDESK_SETUP_MODEL to models that it serves, or ZONEDESK_JUDGE=rules"


def _said(result: Result[R]) -> Said[R]:
    return Said(result.status, result.value, result.key)
