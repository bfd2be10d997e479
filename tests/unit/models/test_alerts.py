"""The alert policy and silences: what is wrong is refused with its place, and the manual's example is right."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from fleetctl.errors import ConfigError, RefusedError, UsageError
from fleetctl.models.alertfiles import read_policy, read_silences, remove_silence, write_silence
from fleetctl.models.alerts import DEFAULT_RULES, AlertPolicy, Silence, seconds
from fleetctl.models.load import parse

MANUAL = Path(__file__).parents[3] / "docs/operate/alerts.md"


def policy(spec: str) -> AlertPolicy:
    text = "apiVersion: fleetctl/v1\nkind: AlertPolicy\nmetadata: {name: alerts}\nspec:\n" + textwrap.indent(
        textwrap.dedent(spec), "  "
    )
    return parse(text, AlertPolicy, "alerts.yaml")


RULE = "rules: [{name: a, severity: page}]\n"


def test_the_manuals_example_is_a_policy() -> None:
    block = MANUAL.read_text().split("\n    apiVersion", 1)[1].split("\n\nSecrets", 1)[0]
    found = parse(textwrap.dedent("    apiVersion" + block), AlertPolicy, "manual")
    assert [rule.name for rule in found.spec.rules] == ["not-well", "degraded", "north-disks"]
    assert found.spec.receivers.email[0].sender == "fleet@example.org"


def test_a_fleet_without_a_policy_has_one_that_alerts_on_everything_and_names_nobody(tmp_path: Path) -> None:
    found = read_policy(tmp_path)
    assert found == parse(DEFAULT_RULES, AlertPolicy, "x")
    assert {verdict.value for rule in found.spec.rules for verdict in rule.verdicts} == {
        "critical", "unknown", "degraded",
    }  # fmt: skip
    assert found.spec.receivers.direct() == []


@pytest.mark.parametrize(("text", "wanted"), [("0s", 0), ("90s", 90), ("5m", 300), ("12h", 43_200), ("7d", 604_800)])
def test_durations(text: str, wanted: int) -> None:
    assert seconds(text) == wanted


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("rules: []", "spec.rules"),
        ("rules: [{name: a, severity: loud}]", "severity"),
        ("rules: [{name: a, severity: page, verdicts: [ok]}]", "ok is no reason"),
        ("rules: [{name: a, severity: page}, {name: a, severity: page}]", "named twice"),
        ("rules: [{name: a, severity: page, for: 5 minutes}]", "90s, 5m, 12h or 7d"),
        ("rules: [{name: a, severity: page, for: 400d}]", "longer than a year"),
        ("rules: [{name: a, severity: page, fro: 5m}]", "did you mean for?"),
        ("rules: [{name: a, severity: page, checks: ['gpu[0]']}]", "checks"),
        (RULE + "interval: 1s", "between 5s and 1h"),
        (RULE + "receivers: {webhook: [{url: 'http://chat.example.org/x'}]}", "not encrypted"),
        (RULE + "receivers: {webhook: [{url: 'http://127.0.0.1.evil.example/x'}]}", "not encrypted"),
        (RULE + "receivers: {webhook: [{url: 'https://user:secret@chat.example.org/x'}]}", "no http or https address"),
        (RULE + "receivers: {email: [{host: m, from: a@b.c, to: [a@b.c], user: x}]}", "come together"),
        (RULE + "receivers: {email: [{host: m, from: 'a@b.c\\nBcc: x@y.z', to: [a@b.c]}]}", "from"),
        (RULE + "receivers: {email: [{host: m, from: a@b.c, to: []}]}", "to"),
        (RULE + "maintenance: [{name: w, time_zone: Mars, days: [sun], start: '02:00', duration: 1h}]", "IANA"),
        (RULE + "maintenance: [{name: w, time_zone: UTC, days: [sun], start: '24:00', duration: 1h}]", "time of day"),
        (RULE + "maintenance: [{name: w, time_zone: UTC, days: [sun], start: '02:00', duration: 8d}]", "a week"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(spec: str, words: str) -> None:
    with pytest.raises(ConfigError) as problem:
        policy(spec)
    assert words in problem.value.message
    assert "alerts.yaml:" in problem.value.message
    assert "secret@" not in problem.value.message


def silence(name: str = "s", **changed: object) -> Silence:
    spec = {"until": "2027-01-01T00:00Z", "by": "me", "reason": "because", "sites": ["a"], **changed}
    return Silence.model_validate(
        {"apiVersion": "fleetctl/v1", "kind": "Silence", "metadata": {"name": name}, "spec": spec}
    )


def test_a_silence_is_written_read_and_removed(tmp_path: Path) -> None:
    path = write_silence(tmp_path, silence())
    assert read_silences(tmp_path) == [silence()]
    with pytest.raises(RefusedError, match="there is a silence s"):
        write_silence(tmp_path, silence())
    write_silence(tmp_path, silence(name="power"))
    with pytest.raises(UsageError) as refused:
        remove_silence(tmp_path, "pwoer")
    assert refused.value.hint == "did you mean power?"
    remove_silence(tmp_path, "power")
    assert remove_silence(tmp_path, "s") == path
    assert read_silences(tmp_path) == []
    with pytest.raises(UsageError, match="no silence s"):
        remove_silence(tmp_path, "s")


def test_a_name_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text("")
    with pytest.raises(UsageError, match="no name"):
        remove_silence(tmp_path, "../../fleet")


def test_a_silence_that_cannot_be_read_is_an_error_and_no_silence(tmp_path: Path) -> None:
    path = write_silence(tmp_path, silence())
    path.write_text(path.read_text().replace("2027-01-01T00:00Z", "soon"))
    with pytest.raises(ConfigError, match="is no time"):
        read_silences(tmp_path)


def test_a_silence_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no zone"):
        silence(until="2027-01-01T00:00")
