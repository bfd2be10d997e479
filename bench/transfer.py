"""Bytes on the wire of a model update: ours, whole files, and plain rsync; and of a transfer that was cut and resumed.

A real sshd and a real rsync on loopback; every byte is counted between them, ssh's own included. Real weights,
changed as releases change them; with `--system OLD NEW`, the folders of two images that `fleetctl image build` made,
an operating system instead, which the box has in its running slot and in no file. "plain" is rsync to the new image's
own name, which leaves the old one as the last good set; "over" is rsync onto the old image's name, which takes the last
good set away.
"""

from __future__ import annotations

import argparse
import filecmp
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from carried import images, systems  # noqa: E402
from carried.line import Line  # noqa: E402

from appliance.contract.release_status import WantedImage  # noqa: E402
from fleetctl.errors import FleetctlError  # noqa: E402
from fleetctl.models.fleetdir import FleetDir  # noqa: E402
from fleetctl.models.site import Site  # noqa: E402
from fleetctl.release.local_images import LocalImages  # noqa: E402
from fleetctl.release.store import ReleaseStore  # noqa: E402
from fleetctl.remote.release_box import SshBox  # noqa: E402
from fleetctl.remote.ssh_options import NO_CONFIGURATION, option_words, pinned_options  # noqa: E402
from fleetctl.trust.generate import generate_keys  # noqa: E402
from fleetctl.trust.passphrase import Passphrase  # noqa: E402
from fleetctl.trust.ssh_agent import ssh_agent  # noqa: E402

OLD, NEW = "0" * 64, "1" * 64
MIB = 1 << 20
# What the delta has to bring where it can bring anything: an adapter or a few layers of a model.
GOAL_RATIO = 5.0
# And a transfer that was cut: all together not much more than one that was not.
GOAL_RESUMED = 1.25


@dataclass(frozen=True)
class Box:
    """The folder that stands for a box, the ways to it, and the line between."""

    root: Path
    site: Site
    fleet: FleetDir
    agent: Path
    line: Line

    @property
    def releases(self) -> Path:
        return self.root / "var/lib/appliance/releases"

    def reset(self, old: Path | None, runs: systems.Built | None = None) -> None:
        """A box that has the old image, or none, and was sent nothing. `runs`: that is a system, which runs there."""
        shutil.rmtree(self.root)
        for folder in (self.releases / "images", self.root / "peer"):
            folder.mkdir(parents=True)
        if runs is not None:
            systems.install(self.root, runs)
        elif old is not None:
            (self.releases / "images" / f"{OLD}.raw").hardlink_to(old)
        if old is not None:
            shutil.copy(old, self.root / "peer" / "old.raw")

    def shell(self) -> list[str]:
        options = pinned_options(self.site.name, self.fleet.known_hosts, self.agent)
        return ["ssh", *NO_CONFIGURATION, "-p", str(self.line.port), *option_words(options)]


def ours(box: Box, new: Path, runs: str | None = None) -> None:
    """The product: `SshBox.receive`. `runs`: it is a system, and the box runs that one."""
    store = ReleaseStore(box.fleet)
    store.images.mkdir(parents=True, exist_ok=True)
    store.image(NEW).unlink(missing_ok=True)
    store.image(NEW).hardlink_to(new)
    with new.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    wanted = WantedImage(
        task="drafting" if runs is None else "system", root_hash=NEW, sha256=digest, size_bytes=new.stat().st_size,
        basis=runs or OLD, received_bytes=0,
    )  # fmt: skip
    with SshBox(box.site, box.fleet, LocalImages(store), lambda: box.agent) as site:
        if why := site.receive(wanted, kib_s=None, on_progress=lambda _: None).no_basis:
            raise SystemExit(f"ours: no delta: {why}")


def whole(box: Box, new: Path) -> None:
    """What scp does: the whole file, from the first byte."""
    with new.open("rb") as file:
        target = box.root / "peer" / "new.raw"
        subprocess.run([*box.shell(), "root@127.0.0.1", f"cat > {target}"], stdin=file, check=True, capture_output=True)


def plain(box: Box, new: Path, target: str = "new.raw") -> None:
    """rsync with its own resume, to a name of its own."""
    shell = " ".join("'" + word.replace("'", "''") + "'" for word in box.shell())
    argv = ["rsync", "--partial", "-e", shell, str(new), f"root@127.0.0.1:{box.root}/peer/{target}"]
    subprocess.run(argv, check=True, capture_output=True)


def over(box: Box, new: Path) -> None:
    """rsync onto the old image: its best case for a delta."""
    plain(box, new, "old.raw")


Way = Callable[[Box, Path], None]
WAYS: dict[str, Way] = {"whole": whole, "plain": plain, "over": over, "ours": ours}
ARRIVES = {"whole": "peer/new.raw", "plain": "peer/new.raw", "over": "peer/old.raw",
           "ours": f"var/lib/appliance/releases/incoming/images/{NEW}.raw"}  # fmt: skip


def crossed(
    box: Box, way: str, old: Path | None, new: Path, cut_at: int | None = None, runs: systems.Built | None = None
) -> int:
    """Bytes on the wire until the new image is there, whole; of two tries when the first is cut."""
    box.reset(old, runs)
    send = WAYS[way]
    if way == "ours" and runs is not None:
        send = partial(ours, runs=runs.root_hash)
    total = 0
    if cut_at is not None:
        box.line.begin(cut_at)
        try:
            send(box, new)
        except (FleetctlError, subprocess.CalledProcessError):
            pass
        else:
            raise SystemExit(f"{way}: nothing was cut")
        total = box.line.crossed
        _settled(box)
    box.line.begin()
    send(box, new)
    if not filecmp.cmp(box.root / ARRIVES[way], new, shallow=False):
        raise SystemExit(f"{way}: what arrived is not what was sent")
    if any((box.releases / "incoming/basis").glob("*/*")) and runs is not None:
        raise SystemExit(f"{way}: the copy of the slot is still there")
    return total + box.line.crossed


def _settled(box: Box) -> None:
    """Until the receiver has noticed the cut."""
    deadline_s = time.monotonic() + 60
    while list(box.root.rglob(".*.raw.??????")):
        if time.monotonic() > deadline_s:
            raise SystemExit("a receiver goes on after the cut")
        time.sleep(0.05)


def opened(stack: ExitStack) -> Box:
    """A fleet with keys, a box behind an sshd, and the line."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-transfer-")))
    passphrase = Passphrase("a bench of no secrets")
    keys = generate_keys(folder / "keys", "bench", passphrase)
    fleet = folder / "fleet"
    fleet.mkdir()
    (fleet / "fleet.yaml").write_text(
        "apiVersion: fleetctl/v1\nkind: Fleet\nmetadata: {name: bench}\n"
        f"spec:\n  keys_directory: {keys.directory}\n  escrow_recipients: [{keys.text('escrow.pub')}]\n"
    )
    os.environ["FLEETCTL_STATE_DIR"] = str(folder / "state")
    root = folder / "box"
    root.mkdir()
    line = Line(_sshd(stack, folder, keys.text("ssh_ed25519.pub"), root))
    directory = FleetDir(fleet)
    directory.known_hosts.write_text(f"box {(folder / 'host.pub').read_text()}")
    return Box(root, _site(line.port), directory, stack.enter_context(ssh_agent(keys, passphrase)), line)


def _sshd(stack: ExitStack, folder: Path, key: str, root: Path) -> int:
    program = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None or os.geteuid() != 0:
        raise SystemExit("bench/transfer needs root and sshd: setup/host.sh test")
    Path("/run/sshd").mkdir(exist_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / "host"], check=True)
    (folder / "authorized").write_text(key + "\n")
    (folder / "bin").mkdir()
    # The box's own program, from this checkout.
    program_text = (
        "import typer; from appliance.ctl.release_incoming import receive_prepare; typer.run(receive_prepare)"
    )
    (folder / "bin" / "appliancectl").write_text(
        f'#!/bin/sh\nshift 2\nexec {sys.executable} -c "{program_text}" "$@"\n'
    )
    (folder / "bin" / "appliancectl").chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin prohibit-password\n"
        f"SetEnv PATH={folder}/bin:/usr/bin:/bin APPLIANCE_RELEASE_ROOT={root} PYTHONPATH={ROOT}\n"
    )
    server = subprocess.Popen([program, "-D", "-E", folder / "log", "-f", folder / "config"])
    stack.callback(server.wait)
    stack.callback(server.terminate)
    deadline_s = time.monotonic() + 30
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return port
        if time.monotonic() > deadline_s:
            raise SystemExit((folder / "log").read_text())
        time.sleep(0.05)


def _site(port: int) -> Site:
    return Site.model_validate({
        "apiVersion": "fleetctl/v1", "kind": "Site", "metadata": {"name": "box"},
        "spec": {
            "profile": "lab-vm", "management": {"address": "127.0.0.1", "ssh_port": port, "health_port": 9443},
            "clinical": {"address": "127.0.0.1", "port": 8443},
            "networks": {"management": {"interface_mac": "52:54:00:00:00:01", "sources": ["10.0.2.0/24"]},
                         "clinical": {"interface_mac": "52:54:00:00:00:02", "sources": ["10.0.3.0/24"]}},
            "storage": {"data_disks": ["A", "B"]}, "release": {"transcription": "whisper-tiny.en"},
        },
    })  # fmt: skip


def main() -> int:
    """Print bytes and ratios. Fails when the delta or the resume does not bring what it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--system", nargs=2, type=Path, metavar=("OLD", "NEW"), help="Folders of two built images.")
    folders = parser.parse_args().system
    started_s = time.monotonic()
    with ExitStack() as stack:
        box = opened(stack)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-images-")))
        failed = of_models(box, folder) if folders is None else of_systems(box, folder, *folders)
    goals = f"resumed at most {GOAL_RESUMED} of the uncut"
    if folders is None:
        goals += f", adapter and layers {GOAL_RATIO:.0f} times fewer than whole at least"
    print(f"\n{time.monotonic() - started_s:.0f} s; wanted: {goals}")
    return 1 if failed else 0


def of_systems(box: Box, folder: Path, before: Path, behind: Path) -> bool:
    """One operating system to another. Returns whether a goal was missed: none is set, builds differ as they do."""
    was, becomes = systems.Built.of(before), systems.Built.of(behind)
    old, new = was.whole(folder / "old.raw"), becomes.whole(folder / "new.raw")
    print(f"systems of {old.stat().st_size / MIB:.1f} and {new.stat().st_size / MIB:.1f} MiB; MiB on the wire:")
    _heading()
    _row("operating system", {way: crossed(box, way, old, new, runs=was) for way in WAYS}, None)
    uncut = crossed(box, "ours", old, new, runs=was)
    cut = crossed(box, "ours", old, new, uncut // 2, runs=was)
    print(f"ours, cut in the middle and resumed: {cut / MIB:.2f}, {cut / uncut:.2f} of the uncut")
    return cut / uncut > GOAL_RESUMED


def of_models(box: Box, folder: Path) -> bool:
    """Weights and adapters. Returns whether a goal was missed."""
    tensors = images.weights()
    base = {"model.safetensors": images.safetensors(tensors), "adapter.safetensors": images.adapter(1)}
    layers = images.tuned(tensors, lambda name: ".layers.4." in name or ".layers.5." in name, 0.02)
    everywhere = images.tuned(tensors, lambda _: True, 0.001)
    cases = {
        "adapter": base | {"adapter.safetensors": images.adapter(2)},
        "fine-tune, 2 of 10 layers": base | {"model.safetensors": images.safetensors(layers)},
        "fine-tune, every weight": base | {"model.safetensors": images.safetensors(everywhere)},
    }
    old = images.packed(folder, "old", base)
    squeezed = images.packed(folder, "old-lz4", base, compressed=True)
    print(f"image {old.stat().st_size / MIB:.1f} MiB, with the catalogue's compression"
          f" {squeezed.stat().st_size / MIB:.1f} MiB; MiB on the wire:")  # fmt: skip
    _heading(f"{'ours, compressed':>18}")
    failed = False
    made: dict[str, Path] = {}
    for number, (name, files) in enumerate(cases.items()):
        new = made[name] = images.packed(folder, f"new{number}", files)
        seen = {way: crossed(box, way, old, new) for way in WAYS}
        if name == "fine-tune, every weight":
            _row(name, seen, None)
            continue
        small = images.packed(folder, f"new{number}-lz4", files, compressed=True)
        failed |= _row(name, seen, crossed(box, "ours", squeezed, small)) < GOAL_RATIO
    was = images.packed(folder, "q8", {"model.gguf": images.q8(tensors)})
    requantised = images.packed(folder, "q4", {"model.gguf": images.gguf()})
    _row("re-quantised, Q8_0 to Q4_1", {way: crossed(box, way, was, requantised) for way in WAYS}, None)
    print("\ncut when half of what ours sends had crossed, and resumed; MiB in all, and by the uncut:")
    for name, before, after in (
        ("fine-tune, 2 of 10 layers", old, made["fine-tune, 2 of 10 layers"]),
        ("re-quantised, Q8_0 to Q4_1", was, requantised),
    ):
        uncut = crossed(box, "ours", before, after)
        cut = {way: crossed(box, way, before, after, uncut // 2) for way in WAYS}
        shown = "".join(f"{cut[way] / MIB:9.2f}" for way in WAYS)
        print(f"{name:30}{shown}{cut['plain'] / cut['ours']:12.1f}{cut['ours'] / uncut:18.2f}")
        failed |= cut["ours"] / uncut > GOAL_RESUMED
    return failed


def _heading(last: str = "") -> None:
    print(f"{'change':30}" + "".join(f"{way:>9}" for way in WAYS) + f"{'whole/ours':>12}{last}")


def _row(name: str, seen: dict[str, int], compressed: int | None) -> float:
    ratio = seen["whole"] / seen["ours"]
    last = "" if compressed is None else f"{compressed / MIB:18.2f}"
    print(f"{name:30}" + "".join(f"{seen[way] / MIB:9.2f}" for way in WAYS) + f"{ratio:12.1f}{last}", flush=True)
    return ratio


if __name__ == "__main__":
    sys.exit(main())
