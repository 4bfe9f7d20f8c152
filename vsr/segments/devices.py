"""What ``--device`` means where it names several: the devices that a run's pieces are spread over."""

from vsr.errors import BackendError, UsageError

_ALL_GPUS = "cuda:all"


def devices_of(device: str) -> tuple[str, ...]:
    """``cuda:all`` -> every GPU of this machine; ``cuda:0,cuda:1`` -> both; a device named twice gets two workers.

    A single name, ``auto`` too, stays as it is: backends check names. Raises UsageError for a list with an empty name
    or with ``auto`` in it, and BackendError where all GPUs are asked for and there is none.
    """
    names = [name.strip() for name in device.split(",")]
    if len(names) > 1 and ("" in names or "auto" in names):
        raise UsageError(f"--device is {device!r}; name each device, such as cuda:0,cuda:1 or cpu,cpu")
    return tuple(single for name in names for single in (_all_gpus() if name == _ALL_GPUS else (name,)))


def _all_gpus() -> tuple[str, ...]:
    import torch

    count = torch.cuda.device_count()
    if count == 0:
        raise BackendError("--device cuda:all finds no CUDA device on this machine; use --device cpu, see 'vsr doctor'")
    return tuple(f"cuda:{index}" for index in range(count))
