"""InstallStack: configuration and certificate of the appliance's services."""

from __future__ import annotations

import base64
from typing import Any

from fleetctl.facts.gpus import GpuFacts
from fleetctl.phases.base import HostRun, PhaseResult, summary
from fleetctl.phases.service_settings import service_settings
from fleetctl.rollout.selection import CHANNEL_LABEL


class InstallStack:
    """Signs the request that the box made for its own key, and configures the services that the image brings."""

    title = "InstallStack"
    after_failure = False

    def run(self, run: HostRun) -> PhaseResult:
        tls = {
            "server_cert_pem": run.operator.server_certificate(run.read_facts()),
            "ca_pem": run.operator.ca_certificate(),
        }
        gpus = run.read_facts().gpus
        settings = service_settings(
            run.site,
            run.profile,
            run.operator.identity_keys(),
            run.operator.consent_overrides(),
            gpus.report if isinstance(gpus, GpuFacts) else None,
            run.operator.deid_policy(),
        )
        root = run.operator.release_root()
        # In base64: Ansible makes a structure of a text that looks like one.
        release: dict[str, Any] = {} if root is None else {"release_root": base64.b64encode(root).decode()}
        if (channel := run.site.metadata.labels.get(CHANNEL_LABEL)) is not None:
            release["release_channel"] = channel
        return summary(run.apply("stack", tls=tls, settings=settings, **release))
