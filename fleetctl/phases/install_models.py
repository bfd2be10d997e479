"""InstallModels: the signed model images."""

from __future__ import annotations

from fleetctl.phases.base import HostRun, PhaseResult, summary


class InstallModels:
    """Copies the model image to the state volume, where its digest is compared before it is used."""

    title = "InstallModels"
    after_failure = False

    def run(self, run: HostRun) -> PhaseResult:
        model = run.release.need_model()
        variables = {
            "name": model.name,
            "source_path": str(model.path),
            "sha256": model.sha256,
            "root_hash": model.root_hash,
        }
        return summary(run.apply("models", model=variables))
