"""Release keys on a PKCS#11 token: a real SoftHSM, its library loaded as the token's driver would be."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, Targets

from fleetctl.errors import ConfigError, UsageError, VerificationError
from fleetctl.release import repository
from fleetctl.release.repository_client import trusted
from fleetctl.release.repository_roles import change_keys
from fleetctl.release.repository_view import newest_approved
from fleetctl.release.repository_write import SigningHand
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.release_keys import ReleaseKeys
from fleetctl.trust.release_signers import Keyring
from fleetctl.trust.release_token import import_key, module_path
from tests.fakes.releases import template

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
LABEL = "release-token"
PIN = "user-2468"

pytestmark = pytest.mark.skipif(
    not (shutil.which("softhsm2-util") and MODULE.is_file()), reason="needs softhsm2"
)  # setup/distributions.sh installs it for `make test`


@pytest.fixture(scope="module", autouse=True)
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A token with an EC key 7, which never leaves it. SoftHSM reads its configuration when it is initialized."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(configuration))
        command = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--so-pin", "so-7531", "--pin", PIN]
        subprocess.run(command, capture_output=True, check=True)
        _make_key()
        yield


def _make_key() -> None:
    import pkcs11
    from pkcs11 import Attribute, KeyType
    from pkcs11.util.ec import encode_named_curve_parameters

    library = pkcs11.lib(str(MODULE))
    library.reinitialize()
    with library.get_token(token_label=LABEL).open(rw=True, user_pin=PIN) as session:
        values = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        parameters = session.create_domain_parameters(KeyType.EC, values, local=True)
        parameters.generate_keypair(id=b"\x07", label="release", store=True)


def keyring(folder: ReleaseKeys, pin: str = PIN) -> Keyring:
    return Keyring([folder], lambda: pytest.fail("no passphrase is asked for"), lambda: Passphrase(pin), MODULE)


@pytest.fixture
def folder(tmp_path: Path) -> ReleaseKeys:
    keys = ReleaseKeys(tmp_path / "keys")
    keys.add(import_key("stable-token", MODULE, LABEL, 7, lambda: pytest.fail("the public key is public")))
    return keys


def test_a_key_on_a_token_signs_metadata(folder: ReleaseKeys) -> None:
    (record,) = folder.records()
    assert (record.scheme, record.token) == ("ecdsa-sha2-nistp256", f"hsm:7?label={LABEL}")
    assert [path.name for path in folder.directory.iterdir()] == ["stable-token.json"]
    document = Metadata(Targets(expires=datetime.now(UTC) + timedelta(days=1)))
    assert SigningHand(keyring(folder)).sign(document, [record.keyid]) == ["stable-token"]
    record.key.verify_signature(document.signatures[record.keyid], document.signed_bytes)


def test_a_wrong_pin_is_told_and_not_shown(folder: ReleaseKeys) -> None:
    (signer,) = keyring(folder, "0000-wrong").signers([folder.records()[0].keyid])
    with pytest.raises(VerificationError, match="the PIN is wrong") as caught:
        signer.sign(b"x")
    assert "0000-wrong" not in caught.value.message + caught.value.hint


def test_what_is_not_on_the_token_is_told(folder: ReleaseKeys) -> None:
    with pytest.raises(ConfigError, match="could not find ECDSA key"):
        import_key("other", MODULE, LABEL, 9, lambda: Passphrase(PIN))
    with pytest.raises(ConfigError, match="No PKCS#11 token found"):
        import_key("other", MODULE, "another", 7, lambda: Passphrase(PIN))


def test_the_module_is_named_by_the_operator_alone(folder: ReleaseKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLEETCTL_PKCS11_MODULE", raising=False)
    with pytest.raises(UsageError, match="no PKCS#11 module is named"):
        module_path(None)
    monkeypatch.setenv("FLEETCTL_PKCS11_MODULE", str(MODULE))
    assert module_path(None) == MODULE
    with pytest.raises(UsageError, match="there is no PKCS#11 module"):
        module_path(Path("/nowhere/lib.so"))


def test_a_channel_signed_by_a_token(
    tmp_path: Path, keystore: KeyStore, passphrase: Passphrase, folder: ReleaseKeys
) -> None:
    fleet = template(tmp_path / "made", keystore, passphrase, root_keys=1)
    (record,) = folder.records()
    both = Keyring([*fleet.hand.keyring.folders, folder], lambda: passphrase, lambda: Passphrase(PIN), MODULE)
    hand = SigningHand(both)
    change_keys(
        fleet.store, hand, "stable", add=[record.key], remove=["stable-1"], threshold=None, now=fleet.now()
    )  # fmt: skip
    fleet.draft("2026.11-1", 1)
    done = repository.sign(fleet.store, hand, "2026.11-1", "stable", fleet.now())
    assert done.signed_with == ["stable-token"]
    found = newest_approved(fleet.store, "stable", now=fleet.now())
    assert found is not None
    assert found.approvers == ("stable-token",)
    assert trusted(fleet.store).delegations["stable"].keyids == [record.keyid]
