"""The record of a site's rules: what it depends on, that it lasts, and what damage does."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from fleetctl.egress.isolation import read_isolation, record_isolation, spec_sha256
from fleetctl.errors import ConfigError
from fleetctl.models.site import Site
from tests.fakes import site as fake


def _with(**changed: Any) -> Site:
    document = fake.SITE.model_dump(mode="json")
    document["spec"] |= changed
    return Site.model_validate(document)


def test_only_what_decides_the_rules_is_in_the_specs_digest() -> None:
    assert spec_sha256(_with()) == spec_sha256(fake.SITE)
    assert spec_sha256(_with(release={"transcription": "other"})) == spec_sha256(fake.SITE)
    assert spec_sha256(_with(egress={"allow": []})) != spec_sha256(fake.SITE)
    networks = fake.SITE.spec.networks.model_dump(mode="json")
    networks["clinical"]["sources"] = ["10.0.4.0/24"]
    assert spec_sha256(_with(networks=networks)) != spec_sha256(fake.SITE)


def test_a_record_is_private_and_keeps_its_time_until_something_changes(tmp_path: Path) -> None:
    assert read_isolation(tmp_path, "lab-1") is None
    first = record_isolation(tmp_path, fake.SITE, fake.RULES)
    assert read_isolation(tmp_path, "lab-1") == first
    assert record_isolation(tmp_path, fake.SITE, fake.RULES) == first
    assert record_isolation(tmp_path, fake.SITE, fake.USR).ruleset_digest == fake.USR
    (path,) = (tmp_path / "sites").iterdir()
    assert (path.name, stat.S_IMODE(path.stat().st_mode)) == ("lab-1.isolation.json", 0o600)


def test_a_damaged_record_is_no_missing_one_and_is_made_anew(tmp_path: Path) -> None:
    record_isolation(tmp_path, fake.SITE, fake.RULES)
    (tmp_path / "sites" / "lab-1.isolation.json").write_text("{")
    with pytest.raises(ConfigError, match="no record of the rules"):
        read_isolation(tmp_path, "lab-1")
    assert record_isolation(tmp_path, fake.SITE, fake.RULES) == read_isolation(tmp_path, "lab-1")
