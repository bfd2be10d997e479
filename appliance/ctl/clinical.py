"""`appliancectl token` and `appliancectl encounter`: root's console, as a client of the gateway like any other."""

import json
from pathlib import Path
from typing import Annotated

import typer

from appliance.errors import ApplianceError, UsageError

app = typer.Typer(
    help="The clinicians' work from the console: the whole path, for a lab, a rehearsal or a repair.",
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, add_completion=False,
)  # fmt: skip

_KINDS = {
    "note": "visit_note", "summary": "record_summary", "appeal": "prior_auth_appeal", "referral": "referral_letter",
    "letter": "patient_letter", "discharge": "discharge_instructions", "template": "front_desk_template",
}  # fmt: skip
CONFIG_OPTION = Annotated[Path, typer.Option("--config", help="The gateway's settings.")]
_CONFIG = Path("/etc/appliance/gateway.json")


def mint_token(
    role: Annotated[str, typer.Option(help="clinician, coder, front_desk, auditor or admin.")],
    subject: Annotated[str, typer.Option(help="Who the token is for.")] = "console",
    lifetime: Annotated[int, typer.Option(min=10, max=300, help="Seconds that it is valid.")] = 300,
    config: CONFIG_OPTION = _CONFIG,
) -> None:
    """Print a short-lived token of the box's own issuer.

    Outside of a lab it carries the role console as well, which can neither sign nor open documents in an emergency.
    """
    from appliance.ctl.console_token import mint
    from appliance.gateway.settings import load

    typer.echo(mint(load(config), role, subject, lifetime))


@app.command()
def run(
    audio: Annotated[Path, typer.Option(help="A recording of the visit.")],
    state: Annotated[str, typer.Option(help="Where the patient is: the state's two letters.")],
    kind: Annotated[str, typer.Option(help=f"What to draft: {', '.join(_KINDS)}.")] = "note",
    clinician_state: Annotated[
        str | None, typer.Option(help="Where the clinician is; where the patient is otherwise.")
    ] = None,
    consent: Annotated[
        str, typer.Option(help="Who said yes: patient, clinician, or both with a comma; none refuses the recording.")
    ] = "none",
    template: Annotated[str | None, typer.Option(help="A template of the practice, in place of ours.")] = None,
    patient_ref: Annotated[str, typer.Option(help="The EHR's reference to the patient.")] = "console",
    acknowledge: Annotated[bool, typer.Option(help="Take the responsibility for unsupported statements.")] = False,
    sign: Annotated[bool, typer.Option(help="Sign it. Only in a lab, or with a clinician's own token.")] = False,
    token_file: Annotated[
        Path | None, typer.Option(help="A clinician's token; otherwise the console's own is used.")
    ] = None,
    proof: Annotated[Path | None, typer.Option(help="Write the proof of the last entry there.")] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="text or json.")] = "text",
    config: CONFIG_OPTION = _CONFIG,
) -> None:
    """Take a recording through the whole path: consent, recording, transcript, draft, review, signature, proof.

    Exit code: 0 done, 1 transcript or draft failed, 2 usage, 5 a service cannot be reached, 6 refused (consent, rights,
    unsupported statements).
    """
    from appliance.ctl.console_token import mint
    from appliance.ctl.visit import Order, Visit
    from appliance.gateway.settings import load

    if kind not in _KINDS:
        raise UsageError(f"--kind: {kind} is unknown", hint=f"one of: {', '.join(_KINDS)}")
    if output not in ("text", "json"):
        raise UsageError(f"--output: {output} is unknown", hint="text or json")
    parties = () if consent == "none" else tuple(one.strip() for one in consent.split(","))
    if not set(parties) <= {"patient", "clinician"}:
        raise UsageError(
            f"--consent: {consent} is not understood", hint="none, patient, clinician or patient,clinician"
        )
    if not audio.is_file():
        raise UsageError(f"--audio: {audio} is no file", hint="name a recording")
    for option, value in (("--state", state), ("--clinician-state", clinician_state or state)):
        if not (len(value) == 2 and value.isascii() and value.isalpha()):
            raise UsageError(f"{option}: {value} is no state", hint="give its two letters, for instance CA")
    if proof is not None and not proof.parent.is_dir():
        raise UsageError(f"--proof: {proof.parent} is no folder", hint="name a file in a folder that is there")
    if config != _CONFIG and not config.is_file():
        raise UsageError(f"--config: {config} is no file", hint=f"leave it out for {_CONFIG}")
    settings = load(config)

    def token() -> str:
        if token_file is not None:
            return _token(token_file)
        return mint(settings, "clinician", "console", 300)

    order = Order(
        audio=audio, kind=_KINDS[kind], template=template, patient_state=state.upper(),
        clinician_state=(clinician_state or state).upper(), consent=parties, patient_ref=patient_ref,
        acknowledge=acknowledge, sign=sign,
    )  # fmt: skip
    # With JSON the way is told beside it: who is refused half way needs the encounter's name to go on.
    with Visit(settings.socket, token, lambda line: typer.echo(line, err=output == "json")) as visit:
        result = visit.run(order)
    if output == "json":
        typer.echo(json.dumps(result.summary()))
    if proof is not None and result.proof is not None:
        try:
            proof.write_text(result.proof)
        except OSError as error:
            raise ApplianceError(
                f"--proof: {proof}: {error.strerror}",
                hint="all else is done; `appliancectl audit prove` makes the proof again",
            ) from None


def _token(file: Path) -> str:
    """Return the token in a file. Raises UsageError."""
    try:
        found = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        seen = error.strerror if isinstance(error, OSError) else "holds no token"
        raise UsageError(f"--token-file: {file}: {seen}", hint="a file with a bearer token in it") from None
    if not found.isprintable() or " " in found:
        raise UsageError(f"--token-file: {file}: holds no token", hint="a file with one bearer token, on one line")
    return found
