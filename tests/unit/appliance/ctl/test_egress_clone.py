"""The clone of a unit: every sandbox line of the live unit, and nothing of what it runs or knows."""

from pathlib import PurePosixPath

import pytest

from appliance.ctl.egress.clone import Files, in_namespace, in_sandbox, sandbox_lines

FILES = Files(PurePosixPath("/run/x/0.task"), PurePosixPath("/run/x/0.result"), PurePosixPath("/run/x/0.errors"))
COMMAND = ["/usr/bin/python3", "-I", "/usr/lib/appliance/site/appliance/ctl/egress/probe.py"]
LIVE = """\
# /usr/lib/systemd/system/appliance-x.service
[Unit]
Description=X
PrivateNetwork=no

[Service]
Type=notify
ExecStart=/usr/bin/x \\
  --more
LoadCredential=box.key:/etc/appliance/tls/box.key
; a comment
PrivateNetwork=yes
SystemCallFilter=@system-service
SystemCallFilter=~@privileged \\
  @resources
CapabilityBoundingSet=
RuntimeDirectory=x

[Install]
WantedBy=multi-user.target

# /etc/systemd/system/appliance-x.service.d/more.conf
[Service]
RestrictAddressFamilies=AF_UNIX
WatchdogSec=3
"""


def test_sandbox_lines_keep_order_resets_and_drop_ins() -> None:
    assert sandbox_lines(LIVE) == [
        "PrivateNetwork=yes",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged  @resources",
        "CapabilityBoundingSet=",
        "RestrictAddressFamilies=AF_UNIX",
    ]


def test_the_clone_joins_the_live_unit_and_runs_only_the_probe() -> None:
    text = in_sandbox("appliance-x.service", LIVE, COMMAND, FILES, 60)
    assert "JoinsNamespaceOf=appliance-x.service" in text.splitlines()
    assert [line for line in text.splitlines() if line.startswith("Exec")] == [f"ExecStart={' '.join(COMMAND)}"]
    assert "Credential" not in text
    assert "StandardInput=file:/run/x/0.task" in text
    assert text.index("[Service]") < text.index("RestrictAddressFamilies=AF_UNIX") < text.index("ExecStart=")


def test_the_namespace_variant_has_no_sandbox_beside_the_namespace() -> None:
    text = in_namespace("appliance-x.service", COMMAND, FILES, 60)
    assert "JoinsNamespaceOf=appliance-x.service" in text
    assert "PrivateNetwork=yes" in text
    assert "RestrictAddressFamilies" not in text


@pytest.mark.parametrize("part", ["a b", "a%b", 'a"b', "a$b"])
def test_a_command_that_would_need_quoting_is_refused(part: str) -> None:
    with pytest.raises(ValueError):
        in_namespace("x.service", [part], FILES, 60)
