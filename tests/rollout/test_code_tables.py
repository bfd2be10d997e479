"""Code tables over a real sshd and rsync: sent with their release, as a delta of the one before, switched with it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.coding.suggestion import CodeSystem
from appliance.coding.tables.icd11 import icd11_pack
from appliance.coding.tables.library import Library
from appliance.coding.tables.stamp import Stamp
from fleetctl.actions.rollout_sites import ssh_boxes
from fleetctl.trust.passphrase import Passphrase
from tests.sim.sites.console import operation
from tests.sim.sites.fleet import SimulatedFleet, simulated_sites
from tests.sim.sites.site import SimulatedSite

pytestmark = pytest.mark.slow
DAY = datetime.date(2026, 11, 26)
_HEADING = "Code\tBlockId\tTitle\tClassKind\tChapterNo\tisLeaf\n\t\tMade-up diseases\tchapter\t01\tFalse\n"


@pytest.fixture(scope="module")
def fleet() -> Iterator[SimulatedFleet]:
    with simulated_sites(1) as made:
        yield made


def pack(folder: Path, version: str, changed: int) -> Path:
    """A table of 12,600 codes, of which the first ones have other titles than in another version."""
    letters = "ABCDEFGHJK"
    codes = [f"1{one}{two:02d}.{last}" for one in letters for two in range(36, 72) for last in range(10)]
    codes += [f"2{one}{two:02d}.{last}" for one in letters for two in range(10, 100) for last in range(10)]
    rows = [
        f"{code}\t\t- Fever number {place} of {version if place < changed else 'always'}\tcategory\t01\tTrue\n"
        for place, code in enumerate(codes)
    ]
    path = folder / f"{version}.pack"
    path.write_bytes(
        icd11_pack((_HEADING + "".join(rows)).encode(), "t.txt", Stamp(version, datetime.date(2026, 1, 1)))
    )
    return path


def version(site: SimulatedSite) -> str | None:
    table = Library(site.places.codes).table(CodeSystem.ICD_11_MMS, DAY)
    return table.version if table is not None else None


def test_tables_are_sent_switched_and_rolled_back(
    fleet: SimulatedFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = fleet.sites["site-0000"]
    fleet.reset(site)
    for name, value in fleet.fleet.environment().items():
        monkeypatch.setenv(name, value)
    passphrase = Passphrase(fleet.fleet.passphrase_file.read_text().strip())
    first, second = pack(tmp_path, "2026-01", 0), pack(tmp_path, "2026-02", 40)
    with ssh_boxes(fleet.directory, passphrase) as boxes:
        box = boxes(fleet.directory.site(site.name))
        wire = {}
        for sequence, path in enumerate((first, second), start=1):
            name = f"2026.11-{sequence}"
            fleet.publish(name, sequence, {}, code_packs=[path])
            offer = box.offer(name, "stable")
            assert not offer.refused
            (wanted,) = offer.missing
            assert wanted.task == "codes"
            wire[name] = box.receive(wanted, kib_s=None, on_progress=lambda _: None).wire_bytes
            box.stage(operation(), name, "stable")
            box.activate(operation(), name, drain_timeout_s=5, not_after=None)
            assert version(site) == path.stem
        # rsync has the older table as its basis. Records point into the text by offset, so half of the table moves.
        assert wire["2026.11-2"] < wire["2026.11-1"] * 2 / 3
        box.rollback(operation(), "other codes are suggested")
        assert version(site) == "2026-01"
