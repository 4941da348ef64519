"""The fast and the checked build of the kernels return the same bytes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.analytics_ext import checked_kernels

pytestmark = pytest.mark.process

OUT_OF_BOUNDS = """
from tests.analytics_ext import checked_kernels
checked_kernels.install()
import numpy as np
from analytics_ext import _gaps
prices = np.zeros(4, dtype=np.int64)
_gaps.follow(prices, prices, prices, np.array([9]))
"""


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checked_kernels.ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def checked_build() -> None:
    """Build the checked kernels where they are missing or old."""
    if checked_kernels.stale():
        built = run("setup.py", "build_ext", ANALYTICS_CHECKED="1")
        assert built.returncode == 0, built.stderr


def digests(*arguments: str) -> dict[str, str]:
    printed = run("-m", "tests.analytics_ext.kernel_digest", *arguments)
    assert printed.returncode == 0, printed.stderr
    found: dict[str, str] = json.loads(printed.stdout)
    return found


@pytest.mark.usefixtures("checked_build")
def test_both_modes_return_equal_bytes_on_random_candles() -> None:
    fast = digests()
    assert len(fast) > 100
    assert digests("--checked") == fast


@pytest.mark.data
@pytest.mark.usefixtures("checked_build")
def test_both_modes_return_equal_bytes_on_recorded_candles(shared: Path) -> None:
    files = [str(shared / "data" / name) for name in ("dev_nifty_15m.parquet", "dev_futures_1m.parquet")]
    assert digests("--checked", *files) == digests(*files)


@pytest.mark.usefixtures("checked_build")
def test_the_checked_mode_refuses_an_index_out_of_bounds() -> None:
    failed = run("-c", OUT_OF_BOUNDS)
    assert failed.returncode == 1
    assert "IndexError: Out of bounds on buffer access" in failed.stderr
