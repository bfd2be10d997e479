"""Programs that a test needs and that no Python package brings."""

from __future__ import annotations

import os
import shutil

import pytest


def needed(*names: str, root: bool = False) -> None:
    """Skip the test where one of them is missing, for instance under `make test-fast`; fail where CI is set."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [name for name in names if shutil.which(name, path=path) is None]
    if root and os.geteuid() != 0:
        missing.append("root")
    if not missing:
        return
    words = f"not here: {', '.join(missing)}; setup/host.sh python lab image test"
    if os.environ.get("CI"):
        pytest.fail(words)
    pytest.skip(words)
