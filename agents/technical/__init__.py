"""Candles in, findings and zones out."""

from agents.technical.agent import TechnicalAnalysisAgent
from agents.technical.analysis import Analysis, analyse
from agents.technical.certify import Certificate, certificate_frame, certify
from agents.technical.explosive import explosive_zones
from agents.technical.findings import Event, Findings
from agents.technical.gaps import fair_value_gaps
from agents.technical.levels import profile_frame, row_frame
from agents.technical.order_blocks import order_blocks
from agents.technical.profile import ProfileCandles, profile_candles
from agents.technical.refresh import LiveAnalysis, LiveState, LiveZone, refresh

__all__ = [
    "Analysis",
    "Certificate",
    "Event",
    "Findings",
    "LiveAnalysis",
    "LiveState",
    "LiveZone",
    "ProfileCandles",
    "TechnicalAnalysisAgent",
    "analyse",
    "certificate_frame",
    "certify",
    "explosive_zones",
    "fair_value_gaps",
    "order_blocks",
    "profile_candles",
    "profile_frame",
    "refresh",
    "row_frame",
]
