"""The few calls of the CUDA driver API that a load needs, by ctypes from libcuda.so.1, which comes with the driver.

Signatures and constants are those of NVIDIA's CUDA Driver API reference. Each call is told before it is made, so that a
parent can name one that hangs; each failure is a CudaError with the call and CUDA's own name of the error.
"""

import ctypes
from collections.abc import Callable, Sequence
from ctypes import byref, c_char_p, c_float, c_int, c_size_t, c_uint, c_uint32, c_uint64, c_void_p
from typing import Any

LIBRARY = "libcuda.so.1"
OUT_OF_MEMORY = 2  # CUDA_ERROR_OUT_OF_MEMORY
_MULTIPROCESSORS = 16  # CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT

# Where a function's current form has a name of its own, the library has the older form under the plain name.
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cuInit": (c_uint,),
    "cuDeviceGetByPCIBusId": (c_void_p, c_char_p),
    "cuDeviceGetAttribute": (c_void_p, c_int, c_int),
    "cuDevicePrimaryCtxRetain": (c_void_p, c_int),
    "cuCtxSetCurrent": (c_void_p,),
    "cuMemGetInfo_v2": (c_void_p, c_void_p),
    "cuMemAlloc_v2": (c_void_p, c_size_t),
    "cuMemAllocHost_v2": (c_void_p, c_size_t),
    "cuMemcpyDtoH_v2": (c_void_p, c_uint64, c_size_t),
    "cuMemcpyHtoDAsync_v2": (c_uint64, c_void_p, c_size_t, c_void_p),
    "cuMemcpyDtoHAsync_v2": (c_void_p, c_uint64, c_size_t, c_void_p),
    "cuMemsetD32_v2": (c_uint64, c_uint, c_size_t),
    "cuModuleLoadData": (c_void_p, c_char_p),
    "cuModuleGetFunction": (c_void_p, c_void_p, c_char_p),
    "cuLaunchKernel": (c_void_p, *(c_uint,) * 7, c_void_p, c_void_p, c_void_p),
    "cuEventCreate": (c_void_p, c_uint),
    "cuEventRecord": (c_void_p, c_void_p),
    "cuEventSynchronize": (c_void_p,),
    "cuEventElapsedTime": (c_void_p, c_void_p, c_void_p),
}


class CudaError(Exception):
    """A call of the driver failed. `call` is the function, `name` CUDA's name of the error, `code` its number."""

    def __init__(self, call: str, name: str, code: int, words: str) -> None:
        super().__init__(f"{call}: {name} ({code}){': ' + words if words else ''}")
        self.call, self.name, self.code = call, name, code


class Driver:
    """The loaded library. `tell` is given each function's name before it is called."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """Load and start the driver; raises CudaError or OSError (no such library)."""
        self._tell = tell
        tell(LIBRARY)
        self._library = ctypes.CDLL(LIBRARY)
        self.call("cuInit", 0)

    def call(self, name: str, *arguments: Any) -> None:
        """Make one call; raises CudaError."""
        self._tell(name)
        try:
            function = getattr(self._library, name)
        except AttributeError:
            raise CudaError(name, "not in this driver", 0, "") from None
        function.argtypes = _SIGNATURES[name]
        code = function(*arguments)
        if code:
            raise CudaError(name, *self._describe(code))

    def _describe(self, code: int) -> tuple[str, int, str]:
        found = []
        for name in ("cuGetErrorName", "cuGetErrorString"):
            text = c_char_p()
            known = getattr(self._library, name)(c_int(code), byref(text)) == 0
            found.append((text.value or b"").decode(errors="replace") if known else "")
        return found[0] or "unknown error", code, found[1]


class Gpu:
    """One GPU with its primary context, current in this process from here on."""

    def __init__(self, driver: Driver, pci_id: str) -> None:
        self._driver = driver
        device, context = c_int(), c_void_p()
        driver.call("cuDeviceGetByPCIBusId", byref(device), pci_id.encode())
        driver.call("cuDevicePrimaryCtxRetain", byref(context), device)
        driver.call("cuCtxSetCurrent", context)
        count = c_int()
        driver.call("cuDeviceGetAttribute", byref(count), _MULTIPROCESSORS, device)
        self.multiprocessors = count.value
        self._start, self._end = c_void_p(), c_void_p()
        for event in (self._start, self._end):
            driver.call("cuEventCreate", byref(event), 0)

    def free_bytes(self) -> int:
        """Return how much memory could be allocated."""
        free, total = c_size_t(), c_size_t()
        self._driver.call("cuMemGetInfo_v2", byref(free), byref(total))
        return free.value

    def allocate(self, size: int) -> int:
        """Return the address of `size` bytes of this GPU's memory."""
        address = c_uint64()
        self._driver.call("cuMemAlloc_v2", byref(address), size)
        return address.value

    def pin(self, size: int) -> int:
        """Return the address of `size` bytes of the machine's memory that this GPU copies from and to directly."""
        address = c_void_p()
        self._driver.call("cuMemAllocHost_v2", byref(address), size)
        return address.value or 0

    def clear(self, address: int, words: int) -> None:
        """Set 32-bit words to 0."""
        self._driver.call("cuMemsetD32_v2", address, 0, words)

    def read(self, address: int, size: int) -> bytes:
        """Return `size` bytes of this GPU's memory."""
        into = ctypes.create_string_buffer(size)
        self._driver.call("cuMemcpyDtoH_v2", into, address, size)
        return into.raw

    def functions(self, ptx: bytes, names: Sequence[str]) -> dict[str, c_void_p]:
        """Translate PTX for this GPU and return its entry functions."""
        module = c_void_p()
        self._driver.call("cuModuleLoadData", byref(module), ptx)
        found = {}
        for name in names:
            found[name] = c_void_p()
            self._driver.call("cuModuleGetFunction", byref(found[name]), module, name.encode())
        return found

    def launch(self, function: c_void_p, blocks: int, threads: int, arguments: Sequence[Any]) -> None:
        """Start a kernel; `arguments` are ctypes values."""
        pointers = (c_void_p * len(arguments))(*(ctypes.cast(ctypes.pointer(a), c_void_p).value for a in arguments))
        grid = (blocks, 1, 1, threads, 1, 1)
        self._driver.call("cuLaunchKernel", function, *grid, 0, None, pointers, None)

    def seconds(self, work: Callable[[], None]) -> float:
        """Return how long the GPU took for what `work` starts, by its own clock (events, about 0.5 µs apart)."""
        self._driver.call("cuEventRecord", self._start, None)
        work()
        self._driver.call("cuEventRecord", self._end, None)
        self._driver.call("cuEventSynchronize", self._end)
        milliseconds = c_float()
        self._driver.call("cuEventElapsedTime", byref(milliseconds), self._start, self._end)
        return milliseconds.value / 1000

    def start_copy_to(self, address: int, pinned: int, size: int) -> None:
        """Start a copy from pinned memory to the GPU."""
        self._driver.call("cuMemcpyHtoDAsync_v2", address, pinned, size, None)

    def start_copy_from(self, address: int, pinned: int, size: int) -> None:
        """Start a copy from the GPU to pinned memory."""
        self._driver.call("cuMemcpyDtoHAsync_v2", pinned, address, size, None)


u32, u64 = c_uint32, c_uint64
"""The kinds of a kernel's arguments."""
