"""A pytest plugin that runs tests on the kernels built with every index checked.

``ANALYTICS_CHECKED=1 python setup.py build_ext`` builds them, and

    python -m pytest -p tests.analytics_ext.checked_kernels tests/analytics_ext

runs the tests on them. Nothing is rebuilt or replaced: the plugin only answers the question where a kernel is found.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "analytics_ext"
CHECKED = ROOT / "build" / "checked" / "lib" / "analytics_ext"


class CheckedKernels(MetaPathFinder):
    """Finds each compiled module of analytics_ext in the folder of the checked build."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - where the package lies, which is what we replace
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return where a kernel is, None for every other module."""
        package, _, name = fullname.rpartition(".")
        if package != "analytics_ext" or not (SOURCES / f"{name}.pyx").exists():
            return None
        return PathFinder.find_spec(fullname, [str(CHECKED)], target)


def stale() -> list[str]:
    """Return the kernels whose checked build is missing or older than its source."""

    def built_at(name: str) -> float:
        return max((path.stat().st_mtime for path in CHECKED.glob(f"{name}.*.so")), default=0.0)

    return [path.stem for path in sorted(SOURCES.glob("_*.pyx")) if built_at(path.stem) < path.stat().st_mtime]


def install() -> None:
    """Make later imports of the kernels find the checked ones.

    Raises
    ------
    RuntimeError
        If the package has been imported already, or a checked kernel is missing or older than its source.
    """
    if "analytics_ext" in sys.modules:
        raise RuntimeError("analytics_ext is imported already; choose the checked kernels before")
    if names := stale():
        raise RuntimeError(
            f"{', '.join(names)}: no checked build of the present source; "
            "run ANALYTICS_CHECKED=1 python setup.py build_ext"
        )
    sys.meta_path.insert(0, CheckedKernels())


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Install before any conftest can import a kernel."""
    try:
        install()
    except RuntimeError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_configure(config: pytest.Config) -> None:
    """Let an index out of bounds fail the test, also in helpers that cannot raise and only print it."""
    config.addinivalue_line("filterwarnings", "error::pytest.PytestUnraisableExceptionWarning")


def pytest_report_header() -> str:
    """Say which kernels are tested."""
    return f"kernels: checked, from {CHECKED.relative_to(ROOT)}"
