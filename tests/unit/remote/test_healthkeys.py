"""The pinned health keys of all sites: read at once, or refused as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.contract.envelope import public_key_text
from fleetctl.errors import ConfigError
from fleetctl.remote.healthkeys import read_trust

KEY = public_key_text(Ed25519PrivateKey.generate().public_key())


def test_each_site_has_its_key(tmp_path: Path) -> None:
    path = tmp_path / "health_keys"
    assert read_trust(path).keys == {}
    path.write_text(f"# pinned at provisioning\nnorth {KEY}\n\nsouth {KEY}\n")
    trust = read_trust(path)
    assert {site: public_key_text(key) for site, key in trust.keys.items()} == {"north": KEY, "south": KEY}
    assert (trust.path("north"), trust.path("east")) == ("/v1/health/signed", "/v1/health")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"north {KEY}\nnorth {KEY}\n", ":2: a second health key for north"),
        ("north\n", ":1: not a line with a site"),
        (f"north {KEY} more\n", ":1: not a line with a site"),
        ("north ed25519:AAAA\n", ":1: not a public key"),
    ],
    ids=["twice", "no key", "more words", "short key"],
)
def test_a_file_that_is_wrong_is_trusted_in_nothing(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "health_keys"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_trust(path)
    assert words in refused.value.message
