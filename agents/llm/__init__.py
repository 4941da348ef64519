"""The judge: evidence in, verdict out."""

from agents.llm.agent import LLMAnalysisAgent
from agents.llm.evidence import judge_analysis, with_verdicts, zone_evidence, zones_to_judge
from agents.llm.judge import OpenAIJudge
from agents.llm.replay import RecordedJudge
from agents.llm.rules import RulesJudge

__all__ = [
    "LLMAnalysisAgent",
    "OpenAIJudge",
    "RecordedJudge",
    "RulesJudge",
    "judge_analysis",
    "with_verdicts",
    "zone_evidence",
    "zones_to_judge",
]
