"""The signature on a snapshot: only the whole, by the pinned key, is believed."""

import base64
import json
import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.contract import envelope, signed
from appliance.contract.health_reading import MAX_BYTES
from tests.fakes.site import snapshot

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
BODY = snapshot().model_dump_json().encode()
ENVELOPE = signed.seal(BODY, KEY)


def test_what_was_sealed_comes_back() -> None:
    assert signed.open_snapshot(ENVELOPE, KEY.public_key()) == snapshot()
    assert signed.open_envelope(ENVELOPE, KEY.public_key()) == BODY


def test_the_form_is_dsse() -> None:
    document = json.loads(ENVELOPE)
    assert set(document) == {"payloadType", "payload", "signatures"}
    kind = document["payloadType"]
    # The PAE by the words of the protocol: "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body.
    text = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind.encode(), str(len(BODY)).encode(), BODY])
    KEY.public_key().verify(base64.b64decode(document["signatures"][0]["sig"]), text)


def test_another_key_is_named_as_such() -> None:
    with pytest.raises(envelope.WrongKeyError, match=envelope.key_id(OTHER.public_key())):
        signed.open_snapshot(ENVELOPE, OTHER.public_key())


def test_a_signature_by_another_key_under_the_right_name_is_bad() -> None:
    forged = json.loads(signed.seal(BODY, OTHER))
    forged["signatures"][0]["keyid"] = envelope.key_id(KEY.public_key())
    with pytest.raises(envelope.BadSignatureError):
        signed.open_snapshot(json.dumps(forged).encode(), KEY.public_key())


@pytest.mark.parametrize("payload", [b"{}", b"not json", b'{"schema_version": "health/v7"}'])
def test_a_signed_payload_that_is_no_snapshot_is_not_understood(payload: bytes) -> None:
    with pytest.raises(signed.SnapshotNotUnderstoodError):
        signed.open_snapshot(signed.seal(payload, KEY), KEY.public_key())


def test_a_signature_under_another_type_is_none() -> None:
    other = envelope.seal(BODY, KEY, "application/vnd.fleetctl.plan+json")
    with pytest.raises(envelope.NotUnderstoodError, match=r"signed as application/vnd\.fleetctl\.plan"):
        signed.open_snapshot(other, KEY.public_key())
    renamed = json.loads(other) | {"payloadType": signed.PAYLOAD_TYPE}
    with pytest.raises(envelope.BadSignatureError):
        signed.open_snapshot(json.dumps(renamed).encode(), KEY.public_key())


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", BODY, ENVELOPE[:-1], b"x" * (2 * MAX_BYTES)])
def test_what_is_no_envelope_is_not_understood(body: bytes) -> None:
    with pytest.raises(envelope.NotUnderstoodError):
        signed.open_snapshot(body, KEY.public_key())


def test_any_mutation_of_the_envelope_is_refused() -> None:
    """Every byte of the frame and signature, and of the payload a sample, changed, removed and added."""
    chance = random.Random(20261122)  # noqa: S311 (chooses what to damage)
    start = ENVELOPE.index(b'"payload":"') + 11
    end = ENVELOPE.index(b'"', start)
    places = [*range(start), *chance.sample(range(start, end), 300), *range(end, len(ENVELOPE))]
    for place in places:
        flipped = bytes([ENVELOPE[place] ^ (1 << chance.randrange(7))])
        for changed in (
            ENVELOPE[:place] + flipped + ENVELOPE[place + 1 :],
            ENVELOPE[:place] + ENVELOPE[place + 1 :],
            ENVELOPE[:place] + b"A" + ENVELOPE[place:],
        ):
            with pytest.raises(envelope.SignatureError):
                signed.open_snapshot(changed, KEY.public_key())


def test_any_mutation_of_the_payload_is_refused() -> None:
    chance = random.Random(20261123)  # noqa: S311 (chooses what to damage)
    for place in chance.sample(range(len(BODY)), 300):
        document = json.loads(ENVELOPE)
        changed = BODY[:place] + bytes([BODY[place] ^ (1 << chance.randrange(8))]) + BODY[place + 1 :]
        document["payload"] = base64.b64encode(changed).decode()
        with pytest.raises(envelope.BadSignatureError):
            signed.open_snapshot(json.dumps(document).encode(), KEY.public_key())


def test_a_key_is_shown_and_read_in_one_form() -> None:
    text = envelope.public_key_text(KEY.public_key())
    assert envelope.public_key_of(text) == KEY.public_key()
    for wrong in ("", text[:-1], text.upper(), "ed25519:" + "A" * 43 + "B", f"{text} {text}"):
        with pytest.raises(ValueError, match="key"):
            envelope.public_key_of(wrong)
