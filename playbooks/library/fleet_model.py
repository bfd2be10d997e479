#!/usr/bin/python3
"""Ansible module: is the wanted image there for its task, verify and publish a copied one, withdraw what is unwanted.

The digest is compared once, when the image arrives. From then on the kernel compares every block that is read
(dm-verity, signed root hash), so the file is not hashed again on every run; size, time and inode tell an exchange.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_box import Box, Refusal
from ansible.module_utils.fleet_outcome import finish, run_reporting

STATE = Path("/var/lib/appliance")
MODELS = STATE / "models"
# What a site can have one image of: the weights of a task, the engine that runs on GPUs, and an adapter of the drafting
# model in each of the places where its unit mounts one (MAX_ADAPTERS of the contract).
ADAPTERS = tuple(f"adapter-{place}" for place in range(8))
TASKS = ("transcription", "drafting", "engine", *ADAPTERS)
_EARLIER_LINK = "current"  # before there was one model a task

ARGUMENTS = {
    "state": {"type": "str", "required": True, "choices": ["examined", "published", "only"]},
    "task": {"type": "str", "choices": list(TASKS)},
    "name": {"type": "str"},
    "sha256": {"type": "str"},
    "root_hash": {"type": "str"},
    "tasks": {"type": "list", "elements": "str", "choices": list(TASKS)},
}
REQUIRED_IF = [
    ("state", "examined", ("task", "name", "sha256", "root_hash")),
    ("state", "published", ("task", "name", "sha256", "root_hash")),
    ("state", "only", ("tasks",)),
]


def identity(path: Path) -> dict[str, int]:
    """What changes when a file is exchanged or written to."""
    status = path.stat()
    return {"size_bytes": status.st_size, "mtime_ns": status.st_mtime_ns, "inode": status.st_ino}


def is_recorded(directory: Path, given: dict[str, Any]) -> bool:
    """Whether the image under this name is the one that was verified, by its record."""
    image, record = directory / f"{given['name']}.raw", directory / f"{given['name']}.json"
    try:
        found = json.loads(record.read_bytes())
        return bool(
            found
            == {
                "name": given["name"],
                "sha256": given["sha256"],
                "root_hash": given["root_hash"],
                "file": identity(image),
            }
        )
    except (FileNotFoundError, ValueError):
        return False


def pending(directory: Path, given: dict[str, Any]) -> list[str]:
    """What has to be done, in words; the first word of the first step is `copy` when the image has to come."""
    steps = [] if is_recorded(directory, given) else [f"copy {given['name']} to the state volume and verify it"]
    current = directory / f"{given['task']}.raw"
    if not current.is_symlink() or str(current.readlink()) != f"{given['name']}.raw":
        steps.append(f"make {given['name']} the {_words(given['task'])}")
    return steps


def _words(task: str) -> str:
    return task if task == "engine" or task in ADAPTERS else f"model for {task}"


def unwanted(directory: Path, tasks: list[str]) -> list[Path]:
    """The links of tasks that the site has no model for. The images stay: a task that comes back copies nothing."""
    links = [directory / f"{name}.raw" for name in (*TASKS, _EARLIER_LINK) if name not in tasks]
    return [link for link in links if link.is_symlink()]


def publish(box: Box, directory: Path, incoming: Path, given: dict[str, Any]) -> None:
    """Verify what was copied, give it its name, and point the link of its task to it; each step whole or not at all."""
    image = directory / f"{given['name']}.raw"
    if not is_recorded(directory, given):
        with incoming.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            os.fsync(stream.fileno())
        if digest != given["sha256"]:
            shutil.rmtree(incoming.parent, ignore_errors=True)
            raise Refusal(
                f"The copied image {given['name']} has SHA-256 {digest}, wanted is {given['sha256']}.",
                "Run again. If it repeats, the image on the operator's machine is not the one in its "
                "manifest: build it anew.",
            )
        incoming.replace(image)
        record = {
            "name": given["name"],
            "sha256": given["sha256"],
            "root_hash": given["root_hash"],
            "file": identity(image),
        }
        box.write(str(directory / f"{given['name']}.json"), (json.dumps(record, indent=1) + "\n").encode(), mode=0o644)
    link = directory / f".{given['task']}.raw.new"
    link.unlink(missing_ok=True)
    link.symlink_to(image.name)
    link.replace(directory / f"{given['task']}.raw")
    shutil.rmtree(incoming.parent, ignore_errors=True)
    box.sync_directory(str(directory))


def main() -> None:
    """Examine, publish or withdraw."""
    module = AnsibleModule(argument_spec=ARGUMENTS, required_if=REQUIRED_IF, supports_check_mode=True)
    run_reporting(module, lambda: _run(module))


def check_name(name: str, task: str) -> None:
    """Refuse a name that is no plain file name, or that is the link of a task."""
    plain = name.replace("-", "").replace(".", "").replace("_", "").isalnum() and not name.startswith(".")
    if not plain or name in (*TASKS, _EARLIER_LINK):
        raise Refusal(f"{name!r} is no image name.", f"Correct release.{task} in the site file.")


def _run(module: AnsibleModule) -> None:
    if module.params["state"] == "only":
        links = unwanted(MODELS, module.params["tasks"])
        if not module.check_mode:
            for link in links:
                link.unlink()
            if links:
                Box().sync_directory(str(MODELS))
        finish(module, [f"withdraw the {_words(link.stem)}" for link in links], {})
        return
    given = {key: module.params[key] for key in ("task", "name", "sha256", "root_hash")}
    check_name(given["name"], given["task"])
    incoming = MODELS / ".incoming" / f"{given['name']}.raw"
    steps = pending(MODELS, given)
    if module.check_mode:
        finish(module, steps, {"model": given})
    if not STATE.is_mount():
        raise Refusal(
            f"{STATE} is not mounted: the image would lie outside the state volume.",
            "Provision the storage first, or look at `systemctl status var-lib-appliance.mount`.",
        )
    if module.params["state"] == "examined":
        needs_copy = bool(steps) and steps[0].startswith("copy")
        if needs_copy:  # what an interrupted run left is of no use
            shutil.rmtree(incoming.parent, ignore_errors=True)
            MODELS.mkdir(mode=0o755, exist_ok=True)
            incoming.parent.mkdir(mode=0o700)
        module.exit_json(changed=False, steps=steps, needs_copy=needs_copy, incoming=str(incoming), fleet={})
    publish(Box(), MODELS, incoming, given)
    finish(module, steps, {"model": given})


if __name__ == "__main__":
    main()
