"""What a run has imported before it begins: imported once by the process that runs are forks of.

Nothing here opens a file, a connection or a thread, since forks would share them. The definitions are made ready as
well, and what stands in memory then is kept out of garbage collection, so that the forks go on sharing it.
"""
# ruff: noqa: F401 - imported here so that no run has to

import gc

import dagster._core.execution.api
import dagster._core.storage.event_log.sqlite
import dagster._core.storage.runs.sqlite
import dagster._core.storage.schedules.sqlite

import agents.analysis
import agents.bootstrap
import agents.data.agent
import agents.data.fill
import agents.data.findings
import agents.data.ledger
import agents.data.market
import agents.data.metrics
import agents.data.store
import agents.llm
import agents.ops.logs
import agents.options.quality
import pipelines.causality
import pipelines.chains
import pipelines.cycles
import pipelines.history
import pipelines.judging
import pipelines.logs
import pipelines.mirror
import pipelines.queries
import pipelines.steps
import pipelines.written
from pipelines.definitions import defs

defs.get_repository_def()
gc.collect()
gc.freeze()
