"""The agent's face: judge the zones of an analysis, judge a setup."""

from agents.domain.evidence import SetupEvidence, SetupVerdict
from agents.domain.zones import ZoneAnalysis, ZoneVerdict
from agents.llm.evidence import judge_analysis
from agents.ports import Judge
from agents.settings import Settings


class LLMAnalysisAgent:
    """Asks a judge, whichever it is.

    Parameters
    ----------
    judge : Judge
        The model, the rules, or recorded replies.
    settings : Settings
        Which zones are worth asking about.
    """

    def __init__(self, judge: Judge, settings: Settings) -> None:
        self.judge = judge
        self._settings = settings

    def analyze_zones(self, analysis: ZoneAnalysis) -> tuple[ZoneVerdict, ...]:
        """Return the verdicts on the zones of an analysis whose turn it is; empty when there are none.

        Raises
        ------
        RecordedReplyMissingError
            From recorded replies only: if one was never given.
        """
        return judge_analysis(analysis, self.judge, self._settings)

    def evaluate_trade_setup(self, evidence: SetupEvidence) -> SetupVerdict:
        """Return the verdict on a setup. Raises as `analyze_zones` does."""
        return self.judge.judge_setup(evidence)
