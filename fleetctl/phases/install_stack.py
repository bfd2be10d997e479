"""InstallStack: configuration and certificate of the appliance's services."""

from __future__ import annotations

from fleetctl.phases.base import HostRun, PhaseResult, summary


class InstallStack:
    """Signs the request that the box made for its own key, and configures the services that the image brings."""

    title = "InstallStack"
    after_failure = False

    def run(self, run: HostRun) -> PhaseResult:
        tls = {
            "server_cert_pem": run.operator.server_certificate(run.read_facts()),
            "ca_pem": run.operator.ca_certificate(),
        }
        return summary(run.apply("stack", tls=tls, model={"name": run.release.need_model().name}))
