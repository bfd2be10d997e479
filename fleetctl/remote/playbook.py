"""Ansible, the only writer on a host: playbook runs by tag, for real or in check mode (only ansible-runner import)."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import ansible_runner.interface

from fleetctl.errors import ChangeError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.remote.connection import CONNECT_TIMEOUT_S, KEEPALIVE_S, USER
from fleetctl.remote.ssh_options import NO_CONFIGURATION, option_words, pinned_options
from fleetctl.remote.ssh_way import way_options
from fleetctl.remote.tasks import PlayResult, TaskResult, task_result
from fleetctl.resources import resource_dir
from fleetctl.trust.tmpfs import private_tmpfs_dir

PLAYBOOK = "provision.yml"
REMOTE_TMP = "/run/fleetctl-ansible"
PYTHON_ON_HOST = "/usr/bin/python3"

# Copying a model image into an emulated machine is the longest task: 6 MB/s measured, so 2 GB in six minutes.
RUN_TIMEOUT_S = 3600
IDLE_TIMEOUT_S = 1800
# Long enough to bridge two phases, short enough to vanish soon after a killed run.
CONTROL_PERSIST_S = 120

OnTask = Callable[[TaskResult], None]

# What Ansible may see of the operator's environment: anything else (tokens, proxies with passwords) would end up in
# ansible-runner's record of the run.
_ENVIRONMENT_KEPT = ("HOME", "LOGNAME", "USER", "TERM", "TZ")


class Playbooks(Protocol):
    """The writer that phases see."""

    def apply(self, tags: Sequence[str], extra_vars: Mapping[str, Any], on_task: OnTask) -> PlayResult:
        """Run the tasks of `tags`. A failed task is in the result; it raises only when Ansible itself cannot run."""
        ...


@dataclass
class AnsiblePlaybooks:
    """Runs the provisioning playbook on one site. Make it with `AnsiblePlaybooks.opened`."""

    site: Site
    known_hosts: Path
    agent_socket: Path
    directory: Path
    playbooks: Path
    cancelled: Callable[[], bool] = field(default=lambda: False)
    runs: int = 0

    switches: ClassVar[str] = ""

    @classmethod
    @contextmanager
    def opened(
        cls, site: Site, fleetdir: FleetDir, agent_socket: Path, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[AnsiblePlaybooks]:
        """A writer with a private folder on tmpfs; at the end its SSH connection is closed and the folder removed."""
        with private_tmpfs_dir("ansible") as directory:
            # An empty one of ours: without it Ansible would take the person's or the current directory's.
            (directory / "ansible.cfg").touch()
            writer = cls(site, fleetdir.known_hosts, agent_socket, directory, resource_dir("playbooks"), cancelled)
            try:
                yield writer
            finally:
                writer.close_connection()

    def apply(self, tags: Sequence[str], extra_vars: Mapping[str, Any], on_task: OnTask) -> PlayResult:
        self.runs += 1
        run_directory = self.directory / f"run{self.runs}"
        run_directory.mkdir(mode=0o700)
        tasks: list[TaskResult] = []

        def handle(event: dict[str, Any]) -> bool:
            task = task_result(event)
            if task is not None:
                tasks.append(task)
                on_task(task)
            return False  # ansible-runner then keeps no copy of the event on disk

        try:
            runner = ansible_runner.interface.init_runner(
                private_data_dir=str(run_directory),
                playbook=str(self.playbooks / PLAYBOOK),
                inventory=self._inventory(),
                extravars=dict(extra_vars),
                envvars=self._environment(),
                tags=",".join(tags),
                cmdline=self.switches or None,
                settings={
                    "job_timeout": RUN_TIMEOUT_S,
                    "idle_timeout": IDLE_TIMEOUT_S,
                    "pexpect_use_poll": True,
                    "pexpect_timeout": 1,
                },
                event_handler=handle,
                cancel_callback=self.cancelled,
                quiet=True,
            )
            runner.config.env = self._scrubbed(runner.config.env)
            status, exit_code = runner.run()
            said = "" if tasks else _last_words(runner)
        finally:
            shutil.rmtree(run_directory, ignore_errors=True)
        if status == "canceled":
            raise KeyboardInterrupt
        result = PlayResult(tuple(tasks))
        if exit_code != 0 and not result.failure:
            what = f"ansible-playbook {','.join(tags)}"
            raise ChangeError(
                f"{what} ended with {status} ({exit_code}) and no failed task. {said}".strip(),
                hint="run it again; the same words twice are a defect of a playbook",
                host=self.site.metadata.name,
            )
        return result

    def close_connection(self) -> None:
        """End the shared SSH connection, which would otherwise outlive this run by CONTROL_PERSIST_S."""
        for control in (self.directory / "cp").glob("*"):
            subprocess.run(
                ["ssh", "-F", "/dev/null", "-o", f"ControlPath={control}", "-O", "exit", self.site.metadata.name],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=30,
                check=False,
            )

    def _inventory(self) -> dict[str, Any]:
        name, management = self.site.metadata.name, self.site.spec.management
        variables = {
            "ansible_host": management.address,
            "ansible_port": management.ssh_port,
            "ansible_user": USER,
            "ansible_python_interpreter": PYTHON_ON_HOST,
        }
        return {"all": {"hosts": {name: variables}}}

    def _environment(self) -> dict[str, str]:
        options = pinned_options(self.site.metadata.name, self.known_hosts, self.agent_socket) | {
            "ServerAliveInterval": str(KEEPALIVE_S),
            "ServerAliveCountMax": "8",
            "ControlMaster": "auto",
            "ControlPersist": f"{CONTROL_PERSIST_S}s",
        }
        options |= way_options(self.site, self.known_hosts, self.agent_socket)
        home = self.directory / "home"
        return {
            "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
            "ANSIBLE_HOME": str(home),
            "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
            "ANSIBLE_REMOTE_TEMP": REMOTE_TMP,
            "ANSIBLE_GATHERING": "explicit",
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_SSH_ARGS": shlex.join([*NO_CONFIGURATION, *option_words(options)]),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.directory / "cp"),
            "ANSIBLE_TIMEOUT": str(CONNECT_TIMEOUT_S),
            "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "False",
            "ANSIBLE_FORKS": "1",
            "SSH_AUTH_SOCK": str(self.agent_socket),
            "LC_ALL": "C.UTF-8",
            # ansible-playbook lies beside our own interpreter when fleetctl runs from a virtual environment.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }

    def _scrubbed(self, environment: Mapping[str, str]) -> dict[str, str]:
        """What ansible-runner and we set, and little of the operator's own environment."""
        ours = self._environment()
        return {
            key: value
            for key, value in environment.items()
            if key in ours or key in _ENVIRONMENT_KEPT or os.environ.get(key) != value
        }


class CheckModePlaybooks(AnsiblePlaybooks):
    """The writer of a dry run: Ansible's check mode, which reports what would change and changes nothing."""

    switches: ClassVar[str] = "--check --diff"


def _last_words(runner: Any) -> str:
    """The end of what ansible-playbook printed; it is all there is when it stopped before the first task."""
    with runner.stdout as stream:
        lines = [line for line in stream.read().splitlines() if line.strip()]
    return " ".join(lines[-3:])[:600]
