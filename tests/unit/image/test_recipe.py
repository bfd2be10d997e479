"""Promises of images/edge that a careless edit would break."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from fleetctl.resources import resource_dir

EDGE = resource_dir("images") / "edge"
USR = EDGE / "mkosi.extra/usr"


def script(path: Path) -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(path)))


def lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def test_root_is_the_opened_luks_volume_and_nothing_else() -> None:
    conf = (EDGE / "mkosi.conf").read_text()
    assert "root=/dev/mapper/root\n" in conf
    crypttab = lines(EDGE / "mkosi.images/initrd/mkosi.extra/etc/crypttab")
    assert len(crypttab) == 1
    assert {"tpm2-device=auto", "tpm2-measure-pcr=yes"} <= set(crypttab[0].split()[3].split(","))


def test_what_is_not_named_is_disabled() -> None:
    assert lines(USR / "lib/systemd/system-preset/00-edge.preset")[-1] == "disable *"


def test_ssh_takes_keys_only() -> None:
    config = lines(USR / "lib/edge/sshd_config")
    for wanted in (
        "AuthenticationMethods publickey",
        "PasswordAuthentication no",
        "AllowTcpForwarding no",
        "UseDNS no",
    ):
        assert wanted in config
    assert [line for line in config if line.startswith("HostKey ")] == ["HostKey /etc/ssh/ssh_host_ed25519_key"]


def test_no_network_without_a_ruleset() -> None:
    assert "Requires=nftables.service" in lines(USR / "lib/systemd/system/systemd-networkd.service.d/60-edge.conf")
    assert "policy drop" in (USR / "lib/edge/lockdown.nft").read_text()


def test_both_slots_have_the_same_size() -> None:
    sizes = {
        name: (USR / f"lib/repart.d/{name}.conf").read_text().split("SizeMaxBytes=")[1].split()[0]
        for name in (
            "10-usr-a-verity-sig",
            "20-usr-a-verity",
            "30-usr-a",
            "40-usr-b-verity-sig",
            "50-usr-b-verity",
            "60-usr-b",
        )
    }
    assert list(sizes.values())[:3] == list(sizes.values())[3:]


def test_no_key_or_password_in_the_recipe() -> None:
    for path in EDGE.rglob("*"):
        if path.is_file() and path.name != "mkosi.finalize":
            text = path.read_text()
            assert "PRIVATE KEY" not in text
            assert "RootPassword" not in text


def test_accounts_keep_their_numbers() -> None:
    finalize = script(EDGE / "mkosi.finalize")
    text = finalize.sysusers(
        "root:x:0:0:root:/root:/bin/bash\nwww:x:33:33::/var/www:/usr/sbin/nologin\n",
        "root:x:0:\nwww:x:33:\nadm:x:4:www\n",
    )
    assert text.splitlines()[1:] == [
        "g root 0",
        "g www 33",
        "g adm 4",
        'u root 0:root "root" /root /bin/bash',
        'u www 33:www "www" /var/www /usr/sbin/nologin',
        "m www adm",
    ]


def test_a_login_looks_for_no_environment_file() -> None:
    finalize = script(EDGE / "mkosi.finalize")
    session = "# pam_env.so sets variables\nsession    required     pam_limits.so\n"
    environment = "session required pam_env.so # [1]\nsession required pam_env.so envfile=/etc/default/locale\n"
    assert finalize.without_environment(session + environment + "@include common-password\n") == (
        session + "@include common-password\n"
    )


@pytest.mark.parametrize("content", [b"module", b""])
def test_module_signature_can_be_replaced(content: bytes) -> None:
    finalize = script(EDGE / "mkosi.profiles/gpu/mkosi.finalize")
    once = finalize.signed(content, b"signature")
    assert once.endswith(b"~Module signature appended~\n")
    assert finalize.unsigned(once) == content
    assert finalize.unsigned(content) == content
