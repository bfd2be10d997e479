"""`appliancectl release evaluate`: the clinical gate. Mounted into the `release` commands as `evaluate`."""

from __future__ import annotations

import sys
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from appliance.contract.stdout import tell

if TYPE_CHECKING:
    from appliance.contract.release_status import ReleaseStep
    from appliance.evaluation.evaluation_set import EvaluationSet


def evaluate(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="The staged release.")],
    evaluation_set: Annotated[
        str, typer.Option("--set", metavar="FILE", help="The evaluation set (tar); - reads standard input.")
    ],
    policy: Annotated[
        str, typer.Option("--policy", metavar="FILE", help="The limits: a file with a ClinicalPolicy, or its JSON.")
    ],
    operation: Annotated[
        str, typer.Option(metavar="ID", help="32 hex digits. The same id again gets the same result. Default: new.")
    ] = "",
    timeout: Annotated[float, typer.Option(min=1, max=86400, metavar="SECONDS", help="For all of it.")] = 4 * 3600,
    instead: Annotated[
        bool,
        typer.Option("--instead", help="Drain, and let the serving engines rest meanwhile: where memory is short."),
    ] = False,
    drain_timeout: Annotated[
        float,
        typer.Option(min=0.1, max=86400, metavar="SECONDS", help="With --instead: so long visits are waited for."),
    ] = 1800,
    output: Annotated[
        Literal["text", "json"], typer.Option("--output", "-o", help="json: steps, then the signed result, one a line.")
    ] = "text",
) -> None:
    """Measure the staged set and the running one on an evaluation set, compare, and sign the result.

    Exit code: 0 it was measured, whether it passed or not: the result says; 6 it cannot be measured here; 5 an engine
    did not start or did not answer; 2 the set or the policy is wrong. Without a result the gate has not passed.
    """
    import time
    import uuid

    from appliance.contract.envelope import open_envelope
    from appliance.contract.release_status import CLINICAL_RESULT, ClinicalResult
    from appliance.evaluation.gate import read_policy, words
    from appliance.evaluation.measuring import Budget
    from appliance.evaluation.on_box import Asked, run
    from appliance.health.key import DIRECTORY, read_key
    from appliance.release.ending import told_to_end
    from appliance.release.parts import Parts
    from appliance.release.places import Places
    from appliance.release.probe import SampleProbe
    from appliance.release.shown import step_line

    places = Places.from_environment()
    as_json = output == "json"
    told = told_to_end()

    def say(step: ReleaseStep) -> None:
        # When nobody listens any more, it goes on: whoever gives the order again gets the result.
        tell(lambda: typer.echo(step.model_dump_json() if as_json else step_line(step), err=not as_json))

    parts = Parts.of(places, SampleProbe(places), say, told)
    asked = Asked(
        operation or uuid.uuid4().hex, release, read_policy(_policy(policy)), _read(evaluation_set),
        instead=instead, drain_timeout_s=drain_timeout,
    )  # fmt: skip
    key = read_key(places.below(DIRECTORY))
    envelope = run(parts, asked, key, Budget(time.monotonic() + timeout, is_told_to_end=told))
    if as_json:
        typer.echo(envelope.decode())
        return
    result = ClinicalResult.model_validate_json(open_envelope(envelope, key.public_key(), CLINICAL_RESULT))
    typer.echo("\n".join(words(result)))


def _policy(given: str) -> bytes:
    if given.lstrip().startswith("{"):
        return given.encode()
    from appliance.contract.clinical_gate import MAX_POLICY_BYTES
    from appliance.errors import UsageError

    try:
        with Path(given).open("rb") as file:
            return file.read(MAX_POLICY_BYTES + 1)
    except OSError as error:
        raise UsageError(f"--policy {given}: {error.strerror}", hint="name a file, or give its JSON") from None


# What comes over a pipe waits in memory; a file is mapped.
_MAX_PIPED_BYTES = 256 << 20


def _read(given: str) -> EvaluationSet:
    from appliance.errors import UsageError
    from appliance.evaluation.evaluation_set import read_set

    if given == "-":
        data = sys.stdin.buffer.read(_MAX_PIPED_BYTES + 1)
        if len(data) > _MAX_PIPED_BYTES:
            raise UsageError(f"more than {_MAX_PIPED_BYTES} bytes came in", hint="send it as a file: --set FILE")
        return read_set(data)
    try:
        with Path(given).open("rb") as file:
            return read_set(mmap(file.fileno(), 0, access=ACCESS_READ))
    except (OSError, ValueError) as error:
        raise UsageError(f"--set {given}: {getattr(error, 'strerror', None) or error}", hint="name the set") from None
