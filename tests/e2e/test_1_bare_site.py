"""A bare virtual server: what fleetctl may learn from it, and that it changes nothing before it is asked to."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.e2e.operator import SITE, Operator

# Everything that persists, except what a running system writes by itself: journal, random seed, clock, network leases.
# Not /boot: looking into it mounts the boot partition, which then differs from before by being there.
DIGEST = (
    "cd / && find etc var root srv opt home -xdev -type f"
    " -not -path 'var/log/*' -not -path 'var/lib/systemd/random-seed' -not -path 'var/lib/systemd/timesync/*'"
    " -not -path 'var/lib/systemd/network/*' -not -path 'var/lib/systemd/timers/*' -not -path 'var/lib/private/*'"
    " -not -path 'var/tmp/*'"
    " -print0 2>/dev/null | sort -z | xargs -0 sha256sum;"
    " for disk in /dev/disk/by-id/virtio-*DATA*; do blkid -c /dev/null -p $disk; done;"
    " nft list ruleset; cat /proc/mdstat; dmsetup ls; systemctl list-unit-files --state=enabled --no-legend"
)


def test_a_site_of_the_lab_boots_and_is_registered(bare_site: Operator) -> None:
    sites = bare_site.run("site", "list", "-o", "json").data
    assert [site["name"] if "name" in site else site["metadata"]["name"] for site in sites] == [SITE]


def test_lab_up_and_site_add_twice_are_harmless(bare_site: Operator) -> None:
    before = (bare_site.fleet / "known_hosts").read_text()
    bare_site.run("lab", "up", SITE)
    bare_site.run("site", "add", SITE, "--lab")
    assert (bare_site.fleet / "known_hosts").read_text() == before


def test_preflight_finds_the_machine_fit(bare_site: Operator) -> None:
    bare_site.run("site", "preflight", SITE)


def test_a_wrong_host_key_is_refused(bare_site: Operator, tmp_path: Path) -> None:
    """The pin of another machine: nothing is asked of the server, and the code says that verification failed."""
    other = tmp_path / "fleet"
    shutil.copytree(bare_site.fleet, other)
    stranger = "AAAAC3NzaC1lZDI1NTE5AAAAIBaMaVlFHh2LxRmVgvEuTAWwCbLqQ8nOpR4wFcGfgIuZ"
    (other / "known_hosts").write_text(f"{SITE} ssh-ed25519 {stranger}\n")
    result = bare_site.run("site", "preflight", SITE, "--fleet", str(other), expect=9)
    assert "host key mismatch" in result.err


def test_an_unprovisioned_site_is_not_called_healthy(bare_site: Operator) -> None:
    assert bare_site.run("status", expect=None).code in (4, 5)
    assert bare_site.run("site", "verify", SITE, expect=None).code in (4, 5)


def test_dry_run_changes_nothing_on_the_machine(bare_site: Operator) -> None:
    before = bare_site.ssh(DIGEST).out
    result = bare_site.run("site", "provision", SITE, "--dry-run", "--yes")
    after = bare_site.ssh(DIGEST).out
    assert before.count("\n") > 20, "the digest covers next to nothing"
    assert after == before
    assert "ConfigureStorage" in result.out + result.err
