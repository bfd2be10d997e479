"""Two processes share the tests: all that use the one virtual site stay in one process, and so do those of a file."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.conftest import Sharing

TESTS = [
    *(f"tests/e2e/test_{number}.py::test_{name}" for number in (1, 2) for name in "ab"),
    *(f"tests/unit/test_{file}.py::test_{name}[e2e/x]" for file in "cd" for name in "abc"),
]


class Node:
    def __init__(self, name: str) -> None:
        self.gateway, self.shutting_down = SimpleNamespace(id=name), False
        self.got: list[str] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        self.got += [TESTS[index] for index in indices]

    def shutdown(self) -> None:
        self.shutting_down = True


def test_the_virtual_site_and_a_file_stay_in_one_process(pytestconfig: pytest.Config) -> None:
    scheduling = Sharing(SimpleNamespace(  # type: ignore[arg-type]
        getvalue=lambda name: ["2*popen"], getoption=pytestconfig.getoption,
        option=SimpleNamespace(loadscopereorder=False),
    ))  # fmt: skip
    nodes = [Node("gw0"), Node("gw1")]
    for node in nodes:
        scheduling.add_node(node)  # type: ignore[arg-type]
        scheduling.add_node_collection(node, TESTS)  # type: ignore[arg-type]
    scheduling.schedule()
    assert nodes[0].got == TESTS[:4]
    assert nodes[1].got == TESTS[4:7]
    for place in range(4, 7):
        scheduling.mark_test_complete(nodes[1], place)  # type: ignore[arg-type]
    assert (nodes[0].got, nodes[1].got) == (TESTS[:4], TESTS[4:])
