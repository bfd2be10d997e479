"""One virtual site for the whole run: a bare machine first, then a sealed one. Tests share it, so they run in order."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetctl.lab.demo import MODELS
from fleetctl.remote.keypins import remove_key
from tests.e2e.operator import SITE, Operator, fresh_operator

HERE = Path(__file__).parent
AUDIO = HERE.parent / "data" / "audio"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here boots a machine, and is told apart by that."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    """A fleet with keys, and its images built. Kept in the cache: what did not change is not built again."""
    cache = Path(os.environ.get("FLEETCTL_CACHE_DIR") or Path.home() / ".cache" / "fleetctl")
    made = fresh_operator(cache / "e2e", tmp_path_factory.mktemp("log") / "fleetctl.log")
    made.run("image", "build")
    for model in MODELS.values():
        made.run("image", "model", model)
    if not (made.fleet / "releases" / "metadata").exists():
        made.run("release", "keys", "init")
    return made


@pytest.fixture(scope="session")
def bare_site(operator: Operator) -> Iterator[Operator]:
    """A virtual site that booted from a bare disk and is registered, with its host key pinned."""
    operator.run("lab", "down", SITE, "--destroy", expect=None)
    (operator.fleet / "sites" / f"{SITE}.yaml").unlink(missing_ok=True)
    # The keys that went with their machine, where an interrupted run left them.
    for name in ("audit_keys", "health_keys"):
        remove_key(operator.fleet / name, SITE)
    # So may a rollout, which would have the site in work for ever, and cannot ask it any more.
    shutil.rmtree(operator.state / "store", ignore_errors=True)
    operator.run("lab", "up", SITE)
    try:
        operator.run("site", "add", SITE, "--lab")
        yield operator
    finally:
        operator.run("lab", "down", SITE, "--destroy", expect=None)


@pytest.fixture(scope="session")
def sealed_site(bare_site: Operator) -> Operator:
    """The site after a provisioning that ran to its end, whatever earlier runs left."""
    bare_site.run("site", "provision", SITE, "--yes")
    return bare_site
