"""Builds the Cython kernels. ``ANALYTICS_CHECKED=1`` builds them with bounds checks into their own folder."""

import os
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup

CHECKED = os.environ.get("ANALYTICS_CHECKED") == "1"

# Cython does not notice changed directives, so the two modes never share a build folder.
BUILD_DIR = "build/checked" if CHECKED else "build/fast"

DIRECTIVES = {
    "language_level": "3",
    "boundscheck": CHECKED,
    "wraparound": False,
    "initializedcheck": CHECKED,
    "cdivision": True,
    "embedsignature": True,
}

EXTENSIONS = [
    Extension(
        f"analytics_ext.{path.stem}",
        [path.as_posix()],
        include_dirs=[np.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        # No -ffast-math: prices are exact. These two flags change no result and let loops vectorise.
        extra_compile_args=["-O3", "-fno-math-errno", "-fno-trapping-math"],
    )
    for path in sorted(Path("analytics_ext").glob("_*.pyx"))
]

setup(
    ext_modules=cythonize(EXTENSIONS, build_dir=BUILD_DIR, compiler_directives=DIRECTIVES, annotate=True, force=CHECKED)
)
