"""`fleetctl lab demo`: from a bare disk to a proven appliance, by the same commands that a person would type."""

from __future__ import annotations

import os
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fleetctl import atomic
from fleetctl.errors import ChangeError, ConfigError
from fleetctl.lab.image import default_image, image_source
from fleetctl.lab.store import LabStore
from fleetctl.models.fleetdir import FleetDir
from fleetctl.rollout.engine_run import opened_journal
from fleetctl.rollout.journal import ENDED

SITE = "lab-1"
NEWER = "smollm2-135m-instruct-2"
_POLICY = """\
apiVersion: fleetctl/v1
kind: RolloutPolicy
metadata: {name: canary}
spec:
  channel: stable
  waves: [{name: canary, sites: [lab-1], bake: 30s}]
"""
MODELS = {"transcription": "whisper-tiny.en", "drafting": "smollm2-135m-instruct"}


@dataclass(frozen=True)
class DemoStep:
    """One command of the demo and why it runs. `skip` answers with a reason when there is nothing to do."""

    title: str
    arguments: tuple[str, ...]
    skip: Callable[[], str | None] = lambda: None


@dataclass(frozen=True)
class Timing:
    """How long a step took; `seconds` None: skipped."""

    title: str
    seconds: float | None


def directory() -> Path:
    """Where the demo keeps its fleet, keys and passphrase: $FLEETCTL_DEMO_DIR or under XDG data home."""
    if named := os.environ.get("FLEETCTL_DEMO_DIR"):
        return Path(named).resolve()
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    return home / "fleetctl" / "demo"


def steps(base: Path, recording: Path) -> tuple[DemoStep, ...]:
    """What the demo does, in order."""
    fleet = base / "fleet"

    def there(path: Path) -> Callable[[], str | None]:
        return lambda: f"{path} is there" if path.exists() else None

    release, newer = next_release(fleet), base / "newer-model"
    plan = base / f"plan-{release}.json"

    return (
        DemoStep(
            "make a fleet: CA, signing keys, escrow",
            ("init", str(fleet), "--name", "demo", "--keys-directory", str(base / "keys")),
            skip=there(fleet / "fleet.yaml"),
        ),
        DemoStep(
            "make the keys that sign releases", ("release", "keys", "init"), skip=there(fleet / "releases" / "metadata")
        ),
        DemoStep("build the appliance image", ("image", "build")),
        *(DemoStep(f"pack the {task} model", ("image", "model", name)) for task, name in MODELS.items()),
        DemoStep(
            "remove the virtual server that an older image made",
            ("lab", "down", SITE, "--destroy"),
            skip=lambda: _image_is_current(fleet),
        ),
        DemoStep("boot a bare virtual server", ("lab", "up", SITE)),
        DemoStep("register it, host key pinned", ("site", "add", SITE, "--lab")),
        DemoStep("preflight: does it fit its profile", ("site", "preflight", SITE)),
        DemoStep("provision", ("site", "provision", SITE, "--yes")),
        DemoStep("verify, from facts read anew", ("site", "verify", SITE)),
        DemoStep("prove that nothing leaves", ("egress", "prove", SITE)),
        DemoStep("a visit on port 443: consent, transcript, note, proof", ("lab", "visit", SITE, str(recording))),
        DemoStep("a newer drafting model", ("lab", "newer-model", str(newer)), skip=there(newer)),
        DemoStep(
            "pack it, as a practice packs its own weights",
            import_model(newer),
        ),
        DemoStep("a release of it", ("release", "build", release, "--drafting", NEWER)),
        DemoStep("sign it for the sites", ("release", "sign", release, "--channel", "stable")),
        DemoStep(
            "end the rollout that a demo before this one left",
            ("rollout", "abort", "--reason", "that run of the demo was cut off"),
            skip=lambda: _no_rollout_left(fleet),
        ),
        DemoStep(
            "plan: the site is the canary",
            ("rollout", "plan", "--release", release, "--policy", "canary", "-O", str(plan)),
        ),
        DemoStep(
            "roll it out: send, verify, drain, switch, probe, bake", ("rollout", "start", str(plan), "--every", "5")
        ),
        DemoStep("why it is where it is", ("rollout", "explain", SITE)),
        DemoStep("fleet status", ("status",)),
    )


def import_model(folder: Path) -> tuple[str, ...]:
    """The command that makes an image of the newer model."""
    return (
        "release", "import-model", str(folder), "--task", "drafting", "--name", NEWER, "--licence", "Apache-2.0",
        "--origin", "the lab's own: the catalogue's weights under another name",
    )  # fmt: skip


def next_release(fleet: Path) -> str:
    """A name that no release of the fleet has: each run of the demo updates the site once more."""
    folders = (fleet / "releases" / "drafts", *(fleet / "releases" / "targets").glob("*"))
    taken = {release.name for folder in folders if folder.is_dir() for release in folder.iterdir()}
    return next(name for number in range(2, len(taken) + 3) if (name := f"lab-{number}") not in taken)


def _image_is_current(fleet: Path) -> str | None:
    """A reason to keep the virtual server: there is none yet, or it stands on the image that is built now."""
    fleetdir = FleetDir(fleet)
    record = LabStore(fleetdir.state_dir).find(SITE)
    if record is None:
        return "there is none"
    built = image_source(default_image(fleetdir.fleet.name), finished=True).usr_root_hash
    return "it stands on the present image" if record.image.usr_root_hash == built else None


def _no_rollout_left(fleet: Path) -> str | None:
    """A reason to abort nothing: the site is in no rollout's hands. An unended one would refuse the next."""
    with opened_journal(FleetDir(fleet)) as journal:
        newest = next(iter(journal.all()), None)
    if newest is None:
        return "there was none"
    return f"{newest.plan.id[:12]} is {newest.state.value}" if newest.state in ENDED else None


def run(recording: Path, say: Callable[[str], None]) -> tuple[Timing, ...]:
    """Run every step, each as a `fleetctl` process of its own, and stop at the first that fails.

    Raises ChangeError with the command that failed and its exit code.
    """
    if not recording.is_file():
        raise ConfigError(f"{recording}: no such recording", hint="name an audio file with --recording")
    base = directory()
    base.mkdir(parents=True, exist_ok=True, mode=0o700)
    environment = os.environ | {
        "FLEETCTL_FLEET": str(base / "fleet"),
        "FLEETCTL_PASSPHRASE_FILE": str(passphrase_file(base)),
        "PYTHONUNBUFFERED": "1",
    }
    timings: list[Timing] = []
    for number, step in enumerate(planned := steps(base, recording), start=1):
        if step.arguments[:2] == ("rollout", "plan"):
            policy = base / "fleet" / "policies" / "rollouts" / "canary.yaml"
            policy.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_text(policy, _POLICY)
        say(f"\n[{number}/{len(planned)}] {step.title}")
        if reason := step.skip():
            say(f"  skipped: {reason}")
            timings.append(Timing(step.title, None))
            continue
        say(f"$ fleetctl {shlex.join(step.arguments)}")
        started_s = time.monotonic()
        _run(step, environment)
        timings.append(Timing(step.title, time.monotonic() - started_s))
    return tuple(timings)


def passphrase_file(base: Path) -> Path:
    """The demo's passphrase, made once: a lab has nobody to ask. A real fleet's passphrase is never kept in a file."""
    path = base / "passphrase"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    return path


def summary(timings: tuple[Timing, ...]) -> str:
    """What took how long, what is running now, and how to go on or stop."""
    base = directory()
    width = max(len(timing.title) for timing in timings)
    lines = [
        f"  {timing.title:<{width}}  {'skipped' if timing.seconds is None else f'{timing.seconds:7.1f} s'}"
        for timing in timings
    ]
    total = sum(timing.seconds or 0.0 for timing in timings)
    return "\n".join(
        [
            "",
            *lines,
            f"  {'total':<{width}}  {total:7.1f} s",
            "",
            f"Running: virtual site {SITE} (QEMU, its TPM and canaries), listening on loopback only.",
            "Use it:",
            f"  export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH",
            f"  export FLEETCTL_FLEET={shlex.quote(str(base / 'fleet'))}",
            f"  export FLEETCTL_PASSPHRASE_FILE={shlex.quote(str(base / 'passphrase'))}",
            f"  fleetctl status; fleetctl lab ssh {SITE}",
            *(
                f"  export {name}={shlex.quote(os.environ[name])}"
                for name in ("FLEETCTL_STATE_DIR", "FLEETCTL_CACHE_DIR")
                if name in os.environ
            ),
            f"Stop it:    fleetctl lab down {SITE}",
            f"Remove it:  fleetctl lab down {SITE} --destroy; rm -r {shlex.quote(str(base))}",
        ]
    )


def _run(step: DemoStep, environment: dict[str, str]) -> None:
    argv = [sys.executable, "-m", "fleetctl", *step.arguments]
    code = subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, check=False).returncode
    if code:
        raise ChangeError(
            f"the demo stopped at: {step.title} (exit code {code})",
            hint=f"see the lines above; the demo goes on from there when started again. Command: fleetctl "
            f"{shlex.join(step.arguments)}",
        )
