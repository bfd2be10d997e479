"""`lab visit`: a token from the box's console, then one visit over the clinical port."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from fleetctl.errors import ConfigError, RefusedError, UsageError
from fleetctl.lab.visit import Say, Visit, read_recording, run_visit, set_template
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.remote.clinical import ClinicalClient, ClinicalEndpoint
from fleetctl.remote.connection import Connection, Host
from fleetctl.remote.keypins import AUDIT, read_key
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import ssh_agent

_TOKEN = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}")
_COMMAND_S = 60.0
_RENEW_S = 150.0
# A draft on an emulated machine takes minutes; the listener itself waits 1860 s for a word.
_REQUEST_S = 1900.0


def visit_site(fleetdir: FleetDir, site: Site, passphrase: Passphrase, recording: Path, state: str, say: Say) -> Visit:
    """Run the visit. Raises RefusedError at a site that takes no tokens of its own console."""
    if not re.fullmatch("[A-Z]{2}", state):
        raise UsageError(f"--state {state!r} is no postal code", hint="for example CA")
    audio = read_recording(recording)
    if not site.spec.identity.local_issuer:
        raise RefusedError(
            "the site takes tokens of the practice's identity provider only", hint="use a virtual site", host=site.name
        )
    key = read_key(AUDIT, fleetdir.audit_keys, site.name)
    if key is None:
        raise ConfigError(
            f"no audit key is pinned for {site.name}", hint=f"fleetctl site provision {site.name}", host=site.name
        )
    with ssh_agent(fleetdir.keys, passphrase) as agent, Connection(site, fleetdir, agent) as connection:

        def client(role: str) -> ClinicalClient:
            endpoint = ClinicalEndpoint(
                address=str(site.spec.clinical.address),
                port=site.spec.clinical.port,
                site=site.name,
                ca_cert=fleetdir.keys.path("ca.crt"),
                token=Tokens(connection, site.name, role).now,
                timeout_s=_REQUEST_S,
            )
            return ClinicalClient(endpoint)

        set_template(client("admin"), say)
        return run_visit(client("clinician"), audio, key, state, say)


def token_command(role: str) -> tuple[str, ...]:
    """What the console is asked for a token."""
    return ("appliancectl", "token", "--role", role, "--subject", f"demo-{role}")


class Tokens:
    """A token that is good now: the console's live for five minutes only, and an emulated visit takes longer."""

    def __init__(self, host: Host, site: str, role: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._host, self._site, self._role, self._clock = host, site, role, clock
        self._token, self._minted_s = "", float("-inf")

    def now(self) -> str:
        """The last token while half of its life is left, else a new one. Raises RefusedError."""
        if self._clock() - self._minted_s > _RENEW_S:
            self._token, self._minted_s = mint(self._host, self._site, self._role), self._clock()
        return self._token


def mint(host: Host, site: str, role: str) -> str:
    """A token of a role from the box's own issuer. It is never shown."""
    done = host.run(token_command(role), timeout_s=_COMMAND_S)
    token = done.stdout.strip()
    if done.exit_code or not _TOKEN.fullmatch(token):
        words = (done.stderr.strip().splitlines() or ["it printed no token"])[0]
        raise RefusedError(
            f"the box issues no token: {words[:300]}",
            hint=f"fleetctl site provision {site}; its site file needs spec.identity.local_issuer",
            host=site,
        )
    return token
