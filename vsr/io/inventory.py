"""What this build of FFmpeg brings: its version, the encoders vsr has settings for, the hardware that opens."""

from typing import Literal

import av

from vsr.io.devices import device_error

# The encoders that vsr names in its help, in the order in which to list them.
SOFTWARE_ENCODERS = ("libx264", "libx265", "libsvtav1", "libvpx-vp9", "prores_ks", "ffv1")
HARDWARE: dict[Literal["cuda", "qsv"], tuple[str, ...]] = {
    "cuda": ("h264_nvenc", "hevc_nvenc", "av1_nvenc"),
    "qsv": ("h264_qsv", "hevc_qsv", "av1_qsv"),
}


def ffmpeg_version() -> str:
    """Of the libraries that PyAV brings."""
    return av.ffmpeg_version_info


def encoders_present() -> dict[str, bool]:
    """Software encoder -> whether this build has it."""
    return {name: has_encoder(name) for name in SOFTWARE_ENCODERS}


def has_encoder(name: str) -> bool:
    """True when this build can encode with ``name``; whether its hardware is there is another question."""
    try:
        return av.Codec(name, "w").is_encoder
    except av.codec.codec.UnknownCodecError:
        return False


def hardware_errors() -> dict[str, str | None]:
    """Hardware family -> why neither its decoders nor its encoders can be used, or None when they can."""
    return {kind: device_error(kind) for kind in HARDWARE}
