"""What the driver says of devices: which there are, their memory, and why there is none."""

from numba import cuda

from fastsde.kernels.gpu.target import SIMULATED

__all__ = ["count", "describe", "free_bytes", "is_out_of_memory", "select", "unavailable_reason"]


def count():
    """Return how many devices this process sees."""
    return 1 if SIMULATED else len(cuda.list_devices())


def select(number):
    """Compute on device `number` from now on."""
    if not SIMULATED:
        cuda.select_device(number)


def unavailable_reason():
    """Return why there is no device to compute on; None if there is one."""
    if SIMULATED:
        return None
    try:
        if cuda.is_available():
            cuda.current_context()
            return None
    except Exception as error:  # of the driver, whose classes differ from version to version
        return str(error) or type(error).__name__
    return str(cuda.cuda_error() or "no NVIDIA GPU was found")


def describe():
    """Return the device's name, compute capability, driver's CUDA version, multiprocessors and memory."""
    if SIMULATED:
        return {
            "name": "simulator",
            "compute_capability": "0.0",
            "driver": "0.0",
            "multiprocessors": 1,
            "clock_hz": 1e9,
        }
    device_now = cuda.get_current_device()
    version = cuda.cudadrv.driver.driver.get_version()
    name = device_now.name
    return {
        "name": name.decode() if isinstance(name, bytes) else str(name),
        "compute_capability": ".".join(map(str, device_now.compute_capability)),
        "driver": ".".join(map(str, version)),
        "multiprocessors": int(device_now.MULTIPROCESSOR_COUNT),
        "clock_hz": 1e3 * int(device_now.CLOCK_RATE),
        "memory": int(cuda.current_context().get_memory_info().total),
    }


def free_bytes():
    """Return the free memory of the device in bytes; of the simulator, 1 GiB."""
    return 1 << 30 if SIMULATED else int(cuda.current_context().get_memory_info().free)


def is_out_of_memory(error):
    """Return whether an exception says that the device's memory is full."""
    return isinstance(error, MemoryError) or "OUT_OF_MEMORY" in str(error).upper()
