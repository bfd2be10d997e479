"""InstallModels: the signed model images."""

from __future__ import annotations

from fleetctl.phases.base import HostRun, PhaseResult, summary


class InstallModels:
    """Copies each task's model image to the state volume, where its digest is compared before it is used."""

    title = "InstallModels"
    after_failure = False

    def run(self, run: HostRun) -> PhaseResult:
        models = [
            {
                "task": model.task,
                "name": model.name,
                "source_path": str(model.path),
                "sha256": model.sha256,
                "root_hash": model.root_hash,
            }
            for model in run.release.need_models()
        ]
        return summary(run.apply("models", models=models))
