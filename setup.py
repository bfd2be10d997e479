"""Build step: put playbooks/, images/ and hardware/ inside the wheel, as fleetctl/_data/.

Everything else is declared in pyproject.toml. In a checkout the folders are read where they stand
(fleetctl/resources.py), so an editable install copies nothing.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

DATA_FOLDERS = ("playbooks", "images", "hardware")
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", "mkosi.output", "mkosi.cache", ".mkosi*", "mkosi.tools*")


class BuildWithData(build_py):
    """`build_py`, then a copy of the data folders beside the Python files."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        root = Path(__file__).resolve().parent
        for name in DATA_FOLDERS:
            target = Path(self.build_lib) / "fleetctl" / "_data" / name
            # A folder left by an earlier build would keep files that were since removed.
            shutil.rmtree(target, ignore_errors=True)
            if (root / name).is_dir():
                shutil.copytree(root / name, target, ignore=NOT_SHIPPED)


setup(cmdclass={"build_py": BuildWithData})
