"""Built-in figures and profiles, loaded once."""

from __future__ import annotations

import pytest

from fleetctl.models.fleetdir import load_profile
from fleetctl.models.profile import HardwareProfile, builtin_profile_paths
from fleetctl.planning import simulation
from fleetctl.planning.figures import DraftingModel, FiguresSpec, load_figures


@pytest.fixture(scope="session")
def figures() -> FiguresSpec:
    return load_figures()


@pytest.fixture(scope="session")
def small_model(figures: FiguresSpec) -> DraftingModel:
    model = figures.drafting_model("llama-3.1-8b-fp8")
    assert model is not None
    return model


@pytest.fixture(scope="session")
def large_model(figures: FiguresSpec) -> DraftingModel:
    model = figures.drafting_model("llama-3.1-70b-fp8")
    assert model is not None
    return model


@pytest.fixture(scope="session")
def profiles() -> dict[str, HardwareProfile]:
    """The built-in ones, as if all were confirmed: which are is the vendors' matter, not the planner's."""
    paths = builtin_profile_paths()
    loaded = {name: load_profile(name, paths) for name in paths}
    return {
        name: profile.model_copy(update={"spec": profile.spec.model_copy(update={"unconfirmed": None})})
        for name, profile in loaded.items()
    }


@pytest.fixture(autouse=True)
def one_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """One day is enough to see what these tests look for, and faster than several."""
    monkeypatch.setattr(simulation, "MIN_JOBS", 1)
