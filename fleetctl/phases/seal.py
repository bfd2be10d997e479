"""Seal: write down what was approved, and let the services start."""

from __future__ import annotations

from typing import Any

from fleetctl.phases.base import HostRun, PhaseResult, summary


class Seal:
    """From here on the box itself refuses to start a PHI service when its state differs from the seal."""

    title = "Seal"
    after_failure = False

    def run(self, run: HostRun) -> PhaseResult:
        models = [
            {"task": model.task, "name": model.name, "root_hash": model.root_hash}
            for model in run.release.need_models()
        ]
        engine = run.release.need_engine()
        sealed: dict[str, Any] = {"image": {"usr_hash": run.release.need_usr_root_hash()}, "models": models}
        if engine:
            sealed["engine"] = {"name": engine.name, "root_hash": engine.root_hash}
        if adapters := run.release.need_adapters():
            sealed["adapters"] = [each.sealed for each in adapters]
        return summary(run.apply("seal", **sealed))
