"""`site add`: first contact with a machine, its host key confirmed and pinned, its site file written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from fleetctl.errors import RefusedError, UsageError, VerificationError
from fleetctl.lab.store import LabStore
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.load import parse
from fleetctl.models.site import Site
from fleetctl.remote.hostkey import first_contact
from fleetctl.remote.pins import fingerprint, read_pin, write_pin

Contact = Callable[[str, int], tuple[str, str]]
# Asks a person whether the fingerprint is right; None when there is nobody to ask.
Confirm = Callable[[str], bool] | None


class SiteAdded(BaseModel):
    """What `site add` did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str
    path: Path
    fingerprint: str
    pinned: bool
    written: bool


def lab_site(fleetdir: FleetDir, name: str) -> tuple[dict[str, Any], str]:
    """`spec` and fingerprint of a virtual site, which the lab read on the machine's serial console."""
    record = LabStore(fleetdir.state_dir).load(name)
    if record.host_key_fingerprint is None:
        raise UsageError(f"virtual site {name} has not shown its host key yet", hint=f"fleetctl lab up {name}")
    return record.site_spec(), record.host_key_fingerprint


def site_add(
    fleetdir: FleetDir,
    name: str,
    spec: dict[str, Any],
    expected_fingerprint: str | None,
    confirm: Confirm,
    labels: dict[str, str] | None = None,
    contact: Contact = first_contact,
) -> SiteAdded:
    """Check the site, see the machine's host key, have it confirmed, pin it, write the file. Twice is harmless.

    `RefusedError` when the site is there with another content, `VerificationError` when the machine shows another key.
    """
    site = _checked(fleetdir, name, spec, labels or {})
    path = fleetdir.site_path(name)
    written = not path.exists()
    if not written and fleetdir.site(name) != site:
        raise RefusedError(
            f"site {name} exists with another content: {path}", hint="edit that file, or choose another name", host=name
        )
    management = site.spec.management
    kind, key = contact(management.address, management.ssh_port)
    shown = fingerprint(f"{kind} {key}")
    if read_pin(fleetdir.known_hosts, name) != f"{kind} {key}":
        _confirmed(name, shown, expected_fingerprint, confirm)
    elif expected_fingerprint is not None:
        _compare(name, shown, expected_fingerprint)
    pinned = write_pin(fleetdir.known_hosts, name, f"{kind} {key}")
    if written:
        fleetdir.write_site(site)
    return SiteAdded(site=name, path=path, fingerprint=shown, pinned=pinned, written=written)


def _checked(fleetdir: FleetDir, name: str, spec: dict[str, Any], labels: dict[str, str]) -> Site:
    """Through the same loader as a file, so that a wrong option is named by its path."""
    import yaml

    document = {
        "apiVersion": "fleetctl/v1",
        "kind": "Site",
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
    }
    site = parse(yaml.safe_dump(document, sort_keys=False), Site, f"site {name}")
    fleetdir.profile(site.spec.profile)
    return site


def _confirmed(name: str, shown: str, expected: str | None, confirm: Confirm) -> None:
    if expected is not None:
        _compare(name, shown, expected)
    elif confirm is None:
        raise UsageError(
            f"the machine shows host key {shown}, and nobody confirms it",
            hint=f"compare it with the machine's console, then give it: --fingerprint {shown}",
        )
    elif not confirm(shown):
        raise RefusedError(
            f"host key {shown} was not confirmed", hint="find out which machine answers there", host=name
        )


def _compare(name: str, shown: str, expected: str) -> None:
    if shown != expected:
        raise VerificationError(
            f"host key mismatch: the machine shows {shown}, expected is {expected}",
            hint="do not go on until you know which machine answers there",
            host=name,
        )


def parse_allow(texts: Sequence[str]) -> list[dict[str, Any]]:
    """`--allow name=ehr,protocol=tcp,address=10.0.0.5,port=443` → rules for spec.egress.allow."""
    rules: list[dict[str, Any]] = []
    for text in texts:
        pairs = [part.partition("=") for part in text.split(",")]
        rule: dict[str, Any] = {key.strip(): value.strip() for key, equals, value in pairs if equals}
        if set(rule) != {"name", "protocol", "address", "port"} or len(pairs) != len(rule):
            raise UsageError(
                f"--allow {text!r} is not a rule",
                hint="for example: --allow name=ehr,protocol=tcp,address=10.0.0.5,port=443",
            )
        if not rule["port"].isdigit():
            raise UsageError(f"--allow {text!r}: port is no number", hint="1 to 65535")
        rules.append({**rule, "port": int(rule["port"])})
    return rules
