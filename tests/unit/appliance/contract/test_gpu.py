"""The GPU contract is outside input to the operator: bounded, strict, and with three answers and no fourth."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from appliance.contract.gpu import MAX_GPUS, GpuReport
from tests.fakes.gpus import NOT_SUPPORTED, gpu, report, unread, value


def document(**changed: Any) -> dict[str, Any]:
    return {**report().model_dump(), **changed}


def test_a_report_survives_its_own_json() -> None:
    whole = report(gpu(0, serial=NOT_SUPPORTED), gpu(1, ecc=unread("lost", 15)))
    assert GpuReport.model_validate_json(whole.model_dump_json()) == whole


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"schema_version": "gpu/v2"}, "schema_version"),
        ({"extra": 1}, "extra"),
        ({"gpus": [gpu(0)] * (MAX_GPUS + 1)}, "gpus"),
        ({"bus": value(["0000:17:00.0"] * (MAX_GPUS + 1))}, "bus"),
        ({"bus": value(["17:00.0"])}, "bus"),
        ({"bus": NOT_SUPPORTED}, "bus"),
        ({"gpus": [gpu(0, name="x" * 97)]}, "gpus"),
        ({"gpus": [gpu(0, name="a\x1b[31m")]}, "gpus"),
        ({"gpus": [gpu(0, name="")]}, "gpus"),
        ({"gpus": [gpu(0, uncorrected_ecc=-1)]}, "gpus"),
        ({"gpus": [gpu(0, uncorrected_ecc=2**64)]}, "gpus"),
        ({"gpus": [gpu(0, margin_c=5000)]}, "gpus"),
        ({"gpus": [gpu(0, serial={"state": "perhaps"})]}, "gpus"),
        ({"gpus": [gpu(0, serial={"state": "unreadable"})]}, "gpus"),
        ({"gpus": [gpu(0, serial=unread("x" * 301))]}, "gpus"),
        ({"gpus": [{"index": 0}]}, "gpus"),
        ({"gpus": [{**gpu(0), "index": MAX_GPUS}]}, "gpus"),
        ({"interruption": {"cause": "bored", "call": "nvmlInit"}}, "interruption"),
        ({"call_limit_s": 0}, "call_limit_s"),
    ],
)
def test_what_is_out_of_bounds_is_refused(changed: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as refused:
        GpuReport.model_validate(document(**changed))
    assert refused.value.errors()[0]["loc"][0] == place
