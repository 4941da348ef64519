"""What models are told: one file for each version, never edited once it has been used.

Calls, caches and statistics are keyed by the hash of a prompt, so an edited file would mix two prompts
under one version.
``lock.toml`` holds the hash of every file, and a test compares.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources

from agents.domain.errors import ConfigError

SHA_LENGTH = 12


@dataclass(frozen=True)
class Prompt:
    """The system text of one version."""

    id: str
    version: int
    system: str

    def sha(self, reply_schema: str) -> str:
        """Return the hash that statistics are keyed by: of id, version, text and the schema of the reply."""
        told = f"{self.id}{self.version}{self.system}{reply_schema}"
        return hashlib.sha256(told.encode()).hexdigest()[:SHA_LENGTH]


def load_prompt(prompt_id: str, version: int) -> Prompt:
    """Read one version of a prompt.

    Raises
    ------
    ConfigError
        If there is no such file.
    """
    file = resources.files(__name__).joinpath(prompt_id, f"v{version}.md")
    try:
        return Prompt(prompt_id, version, file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"there is no prompt {prompt_id} v{version}: {error}; reinstall zonedesk") from error
