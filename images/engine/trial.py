"""Tried when an engine image is built, by its own Python at its own place, without a GPU and without a network.

What it finds out here would otherwise be found out at the clinic: vLLM and its kernels load with the driver's library
of the archive, its parser takes the command line of each kind of site, the compiler makes what Triton loads. It also
lists the cards for which the kernels are machine code: a driver cannot translate the PTX of a CUDA newer than its own.

`trial.py WANTED`: WANTED is a JSON file; the last line of the output is a JSON object of what was found.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ENGINE = Path("/run/engine")
SITE = ENGINE / "lib/python3.13/site-packages"
# vLLM's own kernels, and the attention of cards before Hopper.
KERNELS = ("vllm/_C.abi3.so", "vllm/_moe_C.abi3.so", "vllm/vllm_flash_attn/_vllm_fa2_C.abi3.so")
MODULE = """
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, 0}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "trial", 0, -1, methods};
PyMODINIT_FUNC PyInit_trial(void) { return PyModule_Create(&module); }
"""


def versions() -> dict[str, str]:
    """Load what drafting starts with, the compiled kernels too: those need the driver's library."""
    import importlib

    import torch
    import vllm

    for library in KERNELS:
        importlib.import_module(library.removesuffix(".abi3.so").replace("/", "."))
    return {"vllm": vllm.__version__, "torch": torch.__version__, "cuda": torch.version.cuda or "none"}


def parsed(sites: list[dict]) -> list[list]:
    """Give the command line of each site to vLLM's own parser, as the box makes it from its settings."""
    import vllm.platforms
    from vllm.entrypoints.cli.serve import ServeSubcommand
    from vllm.platforms.cuda import NonNvmlCudaPlatform
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    from appliance.engine import vllm as ours
    from appliance.engine.settings import Settings
    from appliance.weights import Weights

    # Here is no card to be found; the parser has defaults by the kind of device.
    vllm.platforms.current_platform = NonNvmlCudaPlatform()
    command, parser = ServeSubcommand(), FlexibleArgumentParser()
    command.subparser_init(parser.add_subparsers(dest="subparser"))
    found = []
    for site in sites:
        settings = Settings(**site)
        weights = Weights(Path("/run/model"), "trial", None, "trial")
        socket = Path(settings.socket).parent / "engine/e.sock"
        arguments = parser.parse_args(list(ours.argv(settings, weights, socket)[1:]))
        command.validate(arguments)
        found.append([arguments.uds, arguments.tensor_parallel_size, arguments.gpu_memory_utilization])
    return found


def compiled() -> int:
    """Let Triton compile a module with the image's compiler, and load it."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"CC": str(ENGINE / "bin/cc"), "TRITON_CACHE_DIR": folder}
        from triton.runtime.build import compile_module_from_src

        return int(compile_module_from_src(MODULE, "trial").answer())


def machine_code(library: str) -> list[str]:
    """Return the architectures that a library has machine code for, as cuobjdump names them (sm_89, sm_90a)."""
    argv = [str(SITE / "triton/backends/nvidia/bin/cuobjdump"), "--list-elf", str(SITE / library)]
    listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return sorted(set(re.findall(r"\bsm_\d+[a-z]?\b", listed)))


def main() -> None:
    """Try everything; what fails ends the trial with its own words."""
    sys.path.append("/run/own")
    wanted = json.loads(Path(sys.argv[1]).read_text())
    found = {
        "versions": versions(),
        "parsed": parsed(wanted["sites"]),
        "compiled": compiled(),
        "machine_code": {library: machine_code(library) for library in KERNELS},
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
