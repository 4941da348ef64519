"""Builds the Cython kernels, in one of two modes.

``python setup.py build_ext --inplace`` builds the fast kernels beside their sources, where they are imported from.

``ANALYTICS_CHECKED=1 python setup.py build_ext`` builds them with every index checked. They go to ``build/checked/lib``
and are never imported by chance: a test run asks for them with ``-p tests.analytics_ext.checked_kernels``.
"""

import os
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

CHECKED = os.environ.get("ANALYTICS_CHECKED") == "1"

# Cython does not notice changed directives, so the two modes never share a folder.
BUILD_DIR = "build/checked" if CHECKED else "build/fast"

DIRECTIVES = {
    "language_level": "3",
    "boundscheck": CHECKED,
    "wraparound": False,
    "initializedcheck": CHECKED,
    "cdivision": True,
    "embedsignature": True,
    "show_performance_hints": not CHECKED,  # the checked mode is slow on purpose
}

EXTENSIONS = [
    Extension(
        f"analytics_ext.{path.stem}",
        [path.as_posix()],
        include_dirs=[np.get_include()],
        define_macros=[
            ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
            # A memoryview is 200 bytes and is passed by value, so a helper that is not inlined costs more than it does.
            ("CYTHON_INLINE", "inline __attribute__((always_inline))"),
        ],
        # No -ffast-math: prices are exact. Two flags change no result and let loops vectorise; the last keeps every
        # multiplication and addition apart, so that a machine that could fuse them computes the same bits.
        extra_compile_args=["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"],
    )
    for path in sorted(Path("analytics_ext").glob("_*.pyx"))
]

OPTIONS: dict[str, object] = {"parallel": os.cpu_count()}
if CHECKED:
    OPTIONS |= {"build_lib": "build/checked/lib", "build_temp": "build/checked/tmp", "inplace": False}

setup(
    ext_modules=cythonize(EXTENSIONS, build_dir=BUILD_DIR, compiler_directives=DIRECTIVES, annotate=True),
    options={"build_ext": OPTIONS},
)
