"""Voices by a speaker model: features, network, file, and who is named when vectors are near or far."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.errors import UnknownStateError
from appliance.transcription import tensors, voiceprints
from appliance.transcription.campplus import SpeakerNet
from appliance.transcription.filterbank import BINS, log_mel
from appliance.transcription.voiceprints import SpeakerVoices

RATE = 16_000


def near(voice: int, number: int, spread: float = 0.6, size: int = 64) -> Any:
    """A vector of length one around an axis: pairs of one voice have a mean cosine of about 1 / (1 + spread²)."""
    noise = np.random.default_rng(100 * voice + number).normal(0, 1, size)
    noise[:5] = 0.0
    axis = np.eye(size)[voice] + spread * noise / np.linalg.norm(noise)
    return axis / np.linalg.norm(axis)


@pytest.fixture
def voices() -> SpeakerVoices:
    return SpeakerVoices(None)  # type: ignore[arg-type]  # only vectors are asked about


def test_two_voices_are_named_in_order_of_speech(voices: SpeakerVoices) -> None:
    order = [0, 1, 0, 1, 0, 1, 0]
    found = voices.parties([near(voice, i) for i, voice in enumerate(order)], [1.5] * 7)
    assert found == order
    assert voices.parties([near(1 - voice, i) for i, voice in enumerate(order)], [1.5] * 7) == order


def test_one_voice_is_not_split(voices: SpeakerVoices) -> None:
    assert voices.parties([near(0, i) for i in range(12)], [2.0] * 12) is None


def test_a_third_voice_belongs_to_nobody(voices: SpeakerVoices) -> None:
    order = [0, 1, 2, 0, 1, 2, 0, 1, 0]
    found = voices.parties([near(voice, i) for i, voice in enumerate(order)], [2.0] * 9)
    assert found == [None if voice == 2 else voice for voice in order]


def test_what_lies_between_two_voices_belongs_to_nobody(voices: SpeakerVoices) -> None:
    between = near(0, 90) + near(1, 91)
    order = [0, 1, 0, 1, 0, 1]
    vectors = [near(voice, i) for i, voice in enumerate(order)]
    found = voices.parties([*vectors, between / np.linalg.norm(between), near(4, 1), None], [1.5] * 6 + [0.6] * 3)
    assert found == [*order, None, None, None]


def test_one_utterance_founds_no_voice(voices: SpeakerVoices) -> None:
    assert voices.parties([near(0, 1), near(0, 2), near(0, 3), near(1, 4)], [2.0] * 4) is None
    assert voices.parties([near(0, 1), near(0, 2), near(1, 3), near(1, 4)], [2.0, 2.0, 0.9, 0.9]) is None
    assert voices.parties([near(0, 1), near(1, 2)], [9.0, 9.0]) is None
    assert voices.parties([None] * 8, [2.0] * 8) is None


def test_a_long_visit_is_clustered_from_a_sample(voices: SpeakerVoices) -> None:
    order = [i % 2 for i in range(1500)]
    assert voices.parties([near(voice, i, 0.3) for i, voice in enumerate(order)], [1.6, 1.5] * 750) == order


def test_features_have_no_mean_and_do_not_depend_on_loudness() -> None:
    sound = np.random.default_rng(1).normal(0, 0.05, RATE).astype(np.float32)
    found = log_mel(sound)
    assert found.shape == (98, BINS)
    assert np.abs(found.mean(axis=0)).max() < 1e-4
    assert np.abs(found - log_mel(sound * 0.5)).max() < 1e-3
    assert log_mel(sound[:100]).shape == (0, BINS)


def network() -> dict[str, Any]:
    """Random weights in the network's shapes."""
    random = np.random.default_rng(3)
    found: dict[str, Any] = {}

    def weight(name: str, *shape: int) -> None:
        scale = 1 / np.sqrt(max(1, np.prod(shape[1:])))
        found[f"{name}.weight"] = random.normal(0, scale, shape).astype(np.float32)

    def norm(name: str, size: int, *, learned: bool = True) -> None:
        found[f"{name}.running_mean"] = np.zeros(size, dtype=np.float32)
        found[f"{name}.running_var"] = np.ones(size, dtype=np.float32)
        if learned:
            found[f"{name}.weight"] = np.ones(size, dtype=np.float32)
            found[f"{name}.bias"] = np.zeros(size, dtype=np.float32)

    weight("head.conv1", 32, 1, 3, 3)
    weight("head.conv2", 32, 32, 3, 3)
    norm("head.bn1", 32)
    norm("head.bn2", 32)
    for block in ("layer1.0", "layer1.1", "layer2.0", "layer2.1"):
        for part in "12":
            weight(f"head.{block}.conv{part}", 32, 32, 3, 3)
            norm(f"head.{block}.bn{part}", 32)
        if block.endswith("0"):
            weight(f"head.{block}.shortcut.0", 32, 32, 1, 1)
            norm(f"head.{block}.shortcut.1", 32)
    weight("xvector.tdnn.linear", 128, 320, 5)
    norm("xvector.tdnn.nonlinear.batchnorm", 128)
    channels = 128
    for block_number, layers in enumerate((12, 24, 16), 1):
        for layer in range(1, layers + 1):
            name = f"xvector.block{block_number}.tdnnd{layer}"
            norm(f"{name}.nonlinear1.batchnorm", channels)
            weight(f"{name}.linear1", 128, channels, 1)
            norm(f"{name}.nonlinear2.batchnorm", 128)
            weight(f"{name}.cam_layer.linear_local", 32, 128, 3)
            for step, out, into in (("linear1", 64, 128), ("linear2", 32, 64)):
                weight(f"{name}.cam_layer.{step}", out, into, 1)
                found[f"{name}.cam_layer.{step}.bias"] = np.zeros(out, dtype=np.float32)
            channels += 32
        norm(f"xvector.transit{block_number}.nonlinear.batchnorm", channels)
        weight(f"xvector.transit{block_number}.linear", channels // 2, channels, 1)
        channels //= 2
    norm("xvector.out_nonlinear.batchnorm", channels)
    weight("xvector.dense.linear", 192, 2 * channels, 1)
    norm("xvector.dense.nonlinear.batchnorm", 192, learned=False)
    return found


def packed(arrays: dict[str, Any]) -> bytes:
    header, numbers = {}, b""
    for name, array in arrays.items():
        place = [len(numbers), len(numbers) + array.nbytes]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": place}
        numbers += array.tobytes()
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def test_a_vector_has_length_one_and_very_short_sounds_have_none() -> None:
    voices = SpeakerVoices(SpeakerNet(network()))
    sound = np.random.default_rng(1).normal(0, 0.05, 9 * RATE).astype(np.float32)
    found = voices.describe(sound)
    assert found is not None
    assert found.shape == (192,)
    assert np.linalg.norm(found) == pytest.approx(1.0, abs=1e-5)
    # Six seconds in the middle stand for all of it.
    middle = voices.describe(sound[round(1.5 * RATE) : round(7.5 * RATE)])
    assert middle is not None
    assert np.abs(found - middle).max() < 1e-5
    assert voices.describe(sound[: RATE // 3]) is None


def test_a_folder_without_the_file_has_no_model_and_a_broken_file_is_refused(tmp_path: Path) -> None:
    assert voiceprints.load(tmp_path) is None
    path = tmp_path / voiceprints.FILE
    for content in (b"", b"\x80\x02}q\x00.", packed({"a": np.ones(3, dtype=np.float32)}), b"\xff" * 40):
        path.write_bytes(content)
        with pytest.raises(UnknownStateError, match=voiceprints.FILE):
            voiceprints.load(tmp_path)


def test_tensors_are_read_as_they_were_written(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(2, dtype=np.float32)}
    path = tmp_path / "x"
    path.write_bytes(packed(arrays))
    found = tensors.read(path)
    assert {name: array.tolist() for name, array in found.items()} == {n: a.tolist() for n, a in arrays.items()}
    path.write_bytes(packed(arrays)[:-1])
    with pytest.raises(UnknownStateError, match="cannot be read as safetensors"):
        tensors.read(path)
