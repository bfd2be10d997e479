"""Which profile carries which site: verdicts, N+1, ranking, memory, and the exit code."""

from __future__ import annotations

import pytest

from fleetctl.models.profile import HardwareProfile
from fleetctl.planning.attempt import MAX_HOSTS, Attempt, Trial
from fleetctl.planning.demand import day_load, given, with_options
from fleetctl.planning.figures import DraftingModel, FiguresSpec, Targets
from fleetctl.planning.memory import gpu_memory, kv_per_draft_gb
from fleetctl.planning.service import gpu_service
from fleetctl.planning.sizing import ProfileSizing, Sizing, Verdict, size

Profiles = dict[str, HardwareProfile]


def with_doubt(profile: HardwareProfile, unconfirmed: str) -> HardwareProfile:
    return profile.model_copy(update={"spec": profile.spec.model_copy(update={"unconfirmed": unconfirmed})})


def sized(figures: FiguresSpec, providers: int, model: DraftingModel, profiles: Profiles, hosts: int = 1) -> Sizing:
    return size(figures, day_load(figures, providers), model, profiles, hosts)


def row(sizing: Sizing, profile: str) -> ProfileSizing:
    return next(row for row in sizing.profiles if row.profile == profile)


def test_a_clinic_of_50_is_carried_by_the_clinic_profile_with_a_spare(
    figures: FiguresSpec, small_model: DraftingModel, profiles: Profiles
) -> None:
    sizing = sized(figures, 50, small_model, profiles)
    assert sizing.exit_code == 0
    assert sizing.best.profile == "clinic-sys-221h-tnr"
    assert sizing.best.verdict is Verdict.spare
    assert sizing.best.bottleneck.startswith("transcription")
    assert sizing.best.price is not None


def test_300_providers_need_two_hosts(figures: FiguresSpec, small_model: DraftingModel, profiles: Profiles) -> None:
    one = sized(figures, 300, small_model, profiles)
    assert one.exit_code == 4
    assert (one.best.verdict, one.best.hosts_n_plus_1) == (Verdict.more_hosts, 2)
    assert sized(figures, 300, small_model, profiles, hosts=2).exit_code == 0


def test_5000_providers_need_many_hosts_and_one_share_is_simulated(
    figures: FiguresSpec, small_model: DraftingModel, profiles: Profiles
) -> None:
    sizing = sized(figures, 5000, small_model, profiles)
    best = sizing.best
    assert sizing.exit_code == 4
    assert best.hosts is not None
    assert best.hosts * 4 >= sum(stage.gpu_hours_busiest_hour for stage in best.stages)
    assert best.hosts_n_plus_1 == best.hosts + 1
    assert best.plan is not None
    assert best.plan.day is not None
    assert best.plan.day.encounters == pytest.approx(100_000 / best.hosts_n_plus_1, abs=1)
    assert f"one of {best.hosts_n_plus_1} hosts" in sizing.notes[0]


def test_one_gpu_out_decides_between_spare_and_none(
    figures: FiguresSpec, small_model: DraftingModel, profiles: Profiles
) -> None:
    only = {"clinic-t360": profiles["clinic-t360"]}
    verdicts = [sized(figures, providers, small_model, only) for providers in (40, 110, 300)]
    assert [sizing.best.verdict for sizing in verdicts] == [Verdict.spare, Verdict.no_spare, Verdict.more_hosts]
    assert [sizing.exit_code for sizing in verdicts] == [0, 3, 4]


def test_70b_fails_the_peak_hour_that_8b_carries(
    figures: FiguresSpec, small_model: DraftingModel, large_model: DraftingModel, profiles: Profiles
) -> None:
    assert sized(figures, 150, small_model, profiles).exit_code == 0
    large = sized(figures, 150, large_model, profiles)
    assert large.exit_code == 4
    assert large.best.bottleneck.startswith("drafting")
    assert "the queue only grows" in large.best.why
    # A model over all GPUs of a host has no spare inside it.
    few = sized(figures, 30, large_model, profiles)
    assert few.best.verdict is Verdict.no_spare
    assert few.best.hosts_n_plus_1 == 2


def test_what_has_no_figures_is_never_guessed(
    figures: FiguresSpec, small_model: DraftingModel, large_model: DraftingModel, profiles: Profiles
) -> None:
    assert row(sized(figures, 50, small_model, profiles), "lab-vm").why == "it has no GPU"
    large = sized(figures, 50, large_model, profiles)
    assert row(large, "clinic-t360").verdict is Verdict.unsized
    assert "no figures for" in row(large, "clinic-t360").why
    assert large.profiles[-1].verdict is Verdict.unsized
    lab = sized(figures, 50, small_model, {"lab-vm": profiles["lab-vm"]})
    assert lab.exit_code == 5


def test_hosts_never_fall_with_the_load(figures: FiguresSpec, small_model: DraftingModel, profiles: Profiles) -> None:
    only = {"hospital-r760xa": profiles["hospital-r760xa"]}
    found = [sized(figures, providers, small_model, only).best.hosts_n_plus_1 or 0 for providers in range(50, 900, 170)]
    assert found == sorted(found)


def test_faster_transcription_moves_the_bottleneck(
    figures: FiguresSpec, small_model: DraftingModel, profiles: Profiles
) -> None:
    gpus = [gpu.model_copy(update={"transcription_speed": given(400, "measured")}) for gpu in figures.gpus]
    fast = figures.model_copy(update={"gpus": gpus})
    assert sized(fast, 300, small_model, profiles).best.bottleneck.startswith("drafting")


def test_memory_of_a_gpu(figures: FiguresSpec, small_model: DraftingModel) -> None:
    assert small_model.kv_kib_per_token.value == 128
    assert kv_per_draft_gb(figures, small_model) == pytest.approx(1.44, abs=0.005)
    memory = gpu_memory(figures, small_model, 45_000, 4)
    parts = (memory.weights_gb, memory.transcription_gb, memory.working_gb, memory.reserve_gb, memory.kv_gb)
    assert sum(parts) == pytest.approx(memory.gpu_gb)
    assert memory.drafts_peak == 10
    assert memory.fits


def test_a_gpu_too_small_for_the_model_is_refused_on_any_number_of_hosts(
    figures: FiguresSpec, small_model: DraftingModel, profiles: Profiles
) -> None:
    spec = profiles["clinic-t360"].spec
    tiny = [spec.gpus[0].model_copy(update={"min_memory_mib": 16_000})]
    profile = profiles["clinic-t360"].model_copy(update={"spec": spec.model_copy(update={"gpus": tiny})})
    sizing = sized(figures, 20, small_model, {"clinic-t360": profile})
    assert sizing.best.verdict is Verdict.never
    assert "KV cache" in sizing.best.why
    assert sizing.exit_code == 4


def test_long_prompts_run_out_of_kv_cache_before_gpu_time(
    figures: FiguresSpec, small_model: DraftingModel, profiles: Profiles
) -> None:
    slow = [record.model_copy(update={"token_interval_ms": given(2000, "measured")}) for record in figures.serving]
    site = figures.model_copy(update={"serving": slow})
    sizing = sized(site, 300, small_model, {"hospital-r760xa": profiles["hospital-r760xa"]}, hosts=2)
    assert "KV cache" in sizing.best.why


def test_a_target_that_nothing_meets_ends_the_search(
    figures: FiguresSpec, small_model: DraftingModel, profiles: Profiles
) -> None:
    targets: Targets = figures.targets.model_copy(update={"transcription_wait_s": given(-1, "test")})
    site = figures.model_copy(update={"targets": targets})
    sizing = sized(site, 50, small_model, {"clinic-t360": profiles["clinic-t360"]})
    assert sizing.best.verdict is Verdict.never
    assert sizing.best.why.startswith("transcription waits")


def test_a_site_without_coding_is_sized(figures: FiguresSpec, small_model: DraftingModel, profiles: Profiles) -> None:
    load = day_load(figures, 50, given(0, "--coding-records"))
    assert size(figures, load, small_model, profiles).exit_code == 0


def test_growth_is_part_of_the_load(figures: FiguresSpec, small_model: DraftingModel, profiles: Profiles) -> None:
    grown = with_options(figures, {"growth_percent": given(40, "--growth")})
    assert sized(grown, 50, small_model, profiles).encounters_per_day == pytest.approx(1000 * 1.4**3)


def trial(figures: FiguresSpec, model: DraftingModel, providers: int) -> Trial:
    service = gpu_service(figures, "NVIDIA L40S", model)
    assert service is not None
    return Trial(figures, day_load(figures, providers), service, 46_068)


@pytest.mark.parametrize("more", [0, 1, 2, 3, 7, 100])
def test_the_fewest_hosts_are_found_in_few_tries(
    figures: FiguresSpec, small_model: DraftingModel, monkeypatch: pytest.MonkeyPatch, more: int
) -> None:
    start = trial(figures, small_model, 20_000).fewest(4).hosts
    tried = []

    def judge(self: Trial, hosts: int, gpus: int) -> Attempt:
        tried.append(hosts)
        return Attempt(hosts, gpus, 0.5, "" if hosts >= start + more else "too few", "transcription")

    monkeypatch.setattr(Trial, "_judge", judge)
    assert trial(figures, small_model, 20_000).fewest(4).hosts == start + more
    assert len(tried) <= 16


def test_a_load_beyond_any_number_of_hosts_ends_the_search(figures: FiguresSpec, small_model: DraftingModel) -> None:
    slow = [gpu.model_copy(update={"transcription_speed": given(0.1, "test")}) for gpu in figures.gpus]
    attempt = trial(figures.model_copy(update={"gpus": slow}), small_model, 1_000_000).fewest(1)
    assert not attempt.ok
    assert attempt.problem == f"it takes more than {MAX_HOSTS:,} hosts"


def test_an_unconfirmed_profile_ranks_after_confirmed_ones_and_never_ends_with_0(
    figures: FiguresSpec, small_model: DraftingModel, profiles: Profiles
) -> None:
    doubted = with_doubt(profiles["clinic-sys-221h-tnr"], "ask the vendor")
    alone = sized(figures, 50, small_model, {"clinic-sys-221h-tnr": doubted, "lab-vm": profiles["lab-vm"]})
    assert alone.best.unconfirmed == "ask the vendor"
    assert (alone.best.verdict, alone.exit_code) == (Verdict.spare, 3)
    assert alone.best.price == doubted.spec.price
    among = sized(figures, 50, small_model, profiles | {"clinic-sys-221h-tnr": doubted})
    assert among.exit_code == 0
    assert among.best.unconfirmed is None
    carrying = [row.unconfirmed for row in among.profiles if row.verdict is not Verdict.unsized]
    assert carrying[-1] == "ask the vendor"
    # One that needs more hosts, but can be ordered, comes first too.
    two = {"clinic-t360": profiles["clinic-t360"], "hospital-r760xa": with_doubt(profiles["hospital-r760xa"], "ask")}
    assert [row.profile for row in sized(figures, 200, small_model, two).profiles] == ["clinic-t360", "hospital-r760xa"]
