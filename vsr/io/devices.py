"""Hardware decoders and encoders: which this machine has, and a clear refusal where it has none."""

from typing import Literal

from av import Codec
from av.codec.hwaccel import HWAccel, hwdevices_available

from vsr.errors import BackendError
from vsr.notices import Notices
from vsr.spec import HwAccel

Family = Literal["cuda", "qsv"]
_FAMILIES: dict[Family, str] = {"cuda": "an NVIDIA GPU with its driver", "qsv": "an Intel GPU with its driver"}
_PROBE_DECODERS: dict[Family, str] = {"cuda": "h264", "qsv": "h264_qsv"}


def device_error(kind: Family) -> str | None:
    """Why devices of ``kind`` can't be used here, or None when one can be opened."""
    if kind not in hwdevices_available():
        return f"this build of FFmpeg has no {kind} support"
    try:
        HWAccel(kind, allow_software_fallback=False).create(Codec(_PROBE_DECODERS[kind], "r"))
    except Exception as exc:  # noqa: BLE001 - any failure to open the device is the answer
        return f"no {kind} device can be opened ({str(exc).splitlines()[0]}); it needs {_FAMILIES[kind]}"
    return None


def decoder_acceleration(choice: HwAccel, notices: Notices) -> HWAccel | None:
    """What to pass to the demuxer. ``auto`` takes the first device that opens, else software.

    Raises BackendError when a named device is not there.
    """
    if choice == "none":
        return None
    if choice == "auto":
        found = next((kind for kind in _FAMILIES if device_error(kind) is None), None)
        if found is None:
            notices.say("--hwaccel auto: no hardware decoder can be opened here, decoding in software")
            return None
        notices.say(f"--hwaccel auto: decoding by {found} where the codec allows")
        return HWAccel(found, allow_software_fallback=True)
    reason = device_error(choice)
    if reason is not None:
        raise BackendError(f"--hwaccel {choice} can't be used here: {reason}; use --hwaccel none")
    return HWAccel(choice, allow_software_fallback=False)


def encoder_error(codec: str) -> str | None:
    """Why a hardware encoder such as ``h264_nvenc`` can't be used here, or None; software encoders always can."""
    suffix = codec.rsplit("_", 1)[-1]
    if suffix == "nvenc":
        return device_error("cuda")
    if suffix == "qsv":
        return device_error("qsv")
    return None
