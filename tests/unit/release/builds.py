"""What the tests of builds share: a filled cache, and one build."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from fleetctl.release.build import Built, Request, build
from fleetctl.release.store import ReleaseStore
from fleetctl.report.progress import Progress
from tests.fakes.image_cache import CODE, FilledCache

NOW = datetime(2026, 11, 26, 12, 0, 30, 5, tzinfo=UTC)
QUIET = Progress(Console(file=io.StringIO()))
ASKED = Request("2026.11-1", transcription="speech", drafting="notes")


def made(cache: FilledCache, request: Request = ASKED, *, dry_run: bool = False, package: Path = CODE) -> Built:
    return build(request, cache.cached(package), ReleaseStore(cache.fleet), lambda: NOW, QUIET, dry_run=dry_run)
