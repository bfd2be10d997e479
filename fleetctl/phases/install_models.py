"""InstallModels: the signed images of the models, of their adapters, and of a GPU site's engine."""

from __future__ import annotations

from fleetctl.phases.base import HostRun, PhaseResult, summary


class InstallModels:
    """Copies each image to the state volume, where its digest is compared before it is used."""

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
        if engine := run.release.need_engine():
            models.append(
                {
                    "task": "engine",
                    "name": engine.name,
                    "source_path": str(engine.path),
                    "sha256": engine.sha256,
                    "root_hash": engine.root_hash,
                }
            )
        models += [
            {
                "task": f"adapter-{each.place}",
                # By content: another release may give the name to another adapter.
                "name": f"adapter.{each.adapter.digest}",
                "source_path": str(each.path),
                "sha256": each.adapter.sha256,
                "root_hash": each.adapter.root_hash,
            }
            for each in run.release.need_adapters()
        ]
        return summary(run.apply("models", models=models))
