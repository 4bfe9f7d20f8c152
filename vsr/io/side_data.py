"""What rides on decoded frames beside samples: orientation, chroma siting, HDR; read from FFmpeg's structures."""

import re
import struct
from fractions import Fraction

import av.logging
from av.error import BlockingIOError as AvBlockingIOError
from av.filter import Graph
from av.sidedata.sidedata import SideData, SideDataContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vsr.frames import ChromaLocation
from vsr.io.wording import listening
from vsr.notices import Notices

# Frame side data that an encoder can write again, so that it must travel with the frame.
CARRIED = frozenset({"A53_CC", "DYNAMIC_HDR_PLUS", "S12M_TIMECODE", "AFD", "ICC_PROFILE"})
# Frame side data that describes the picture to a viewer but can't be written again: its loss is announced.
LOST = {
    "DOVI_RPU_BUFFER": "Dolby Vision metadata (the base layer's HDR stays)",
    "DOVI_METADATA": "Dolby Vision metadata (the base layer's HDR stays)",
    "DYNAMIC_HDR_VIVID": "HDR Vivid metadata",
    "AMBIENT_VIEWING_ENVIRONMENT": "the ambient viewing environment",
    "FILM_GRAIN_PARAMS": "film grain parameters",
    "STEREO3D": "stereo 3D packing tag",
    "SPHERICAL": "spherical (360 degree) tag",
}
_NAMING_PROFILES = frozenset({"png", "apng"})
_PROFILES_ONLY = ("sidedata", "mode=select:type=ICC_PROFILE")
_LOCATIONS: dict[str, ChromaLocation] = {
    "left": "left",
    "center": "center",
    "topleft": "topleft",
    "top": "top",
    "bottomleft": "bottomleft",
    "bottom": "bottom",
}


def legible(frame: VideoFrame, stream: VideoStream, notices: Notices) -> VideoFrame:
    """``frame``, without the side data that PyAV can't look at; only then may anything here look at a frame's.

    On what is newer than PyAV has names for (EXIF is) it stumbles, and metadata of side data it frees twice, which ends
    the process: the name of a PNG's ICC profile, all that any of FFmpeg's decoders gives side data for metadata.
    """
    if stream.codec_context.name in _NAMING_PROFILES and _filtered(frame, stream, _PROFILES_ONLY):
        notices.say("the source has an ICC profile, which can't be taken from PNG; it is dropped")
        frame = _without(frame, stream, "ICC_PROFILE")
    while True:
        try:
            names(frame)
        except ValueError as unknown:
            number = re.match(r"\d+", str(unknown))
            if number is None:
                raise
            frame = _without(frame, stream, number[0])
        else:
            return frame


def _without(frame: VideoFrame, stream: VideoStream, kind: str) -> VideoFrame:
    return _filtered(frame, stream, ("sidedata", f"mode=delete:type={kind}")) or frame


def _filtered(frame: VideoFrame, stream: VideoStream, chosen: tuple[str, str | None]) -> VideoFrame | None:
    """``frame`` from an FFmpeg filter, a name and arguments; None where it lets none through."""
    graph = Graph()
    graph.threads = 1  # starting more takes longer than the filter
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=stream.time_base)
    graph.link_nodes(source, graph.add(*chosen), graph.add("buffersink"))
    graph.configure()
    graph.push(frame)
    try:
        return graph.vpull()
    except AvBlockingIOError:
        return None


def names(frame: VideoFrame) -> set[str]:
    """Names of the side data that ``frame`` has."""
    return {item.type.name for item in _items(frame)}


def _items(frame: VideoFrame) -> list[SideData]:
    # VideoFrame.side_data would keep what it gives, which refers to the frame: a circle that holds the picture's memory
    # until Python looks for circles, which it does by the number of objects, not by their size.
    container = SideDataContainer(frame)  # type: ignore[call-arg]  # which the stub lacks
    return [container[i] for i in range(len(container))]


def _payload(frame: VideoFrame, name: str) -> bytes | None:
    return next((bytes(item) for item in _items(frame) if item.type.name == name), None)


def display_matrix(frame: VideoFrame) -> tuple[int, ...] | None:
    """The nine numbers of the display matrix, or None where the picture is shown as it is stored."""
    payload = _payload(frame, "DISPLAYMATRIX")
    if payload is None or len(payload) < 36:
        return None
    matrix = struct.unpack_from("=9i", payload)
    a, b, _, c, d, *_ = matrix
    return None if a > 0 and d > 0 and b == 0 and c == 0 else matrix


def chroma_location(frame: VideoFrame, stream: VideoStream) -> ChromaLocation | None:
    """Where the chroma samples lie, or None where the stream does not say.

    PyAV has no attribute for it, but FFmpeg's ``showinfo`` filter prints it.
    """
    with listening(av.logging.INFO) as words:
        _filtered(frame, stream, ("showinfo", None))
    match = re.search(r"\bcl:(\w+)", "".join(text for _, _, text in words.lines))
    return _LOCATIONS.get(match[1]) if match else None


def static_hdr(frame: VideoFrame) -> dict[str, str]:
    """Mastering display (SMPTE ST 2086) and content light level (CTA-861.3) as x265 writes them, where present."""
    found: dict[str, str] = {}
    mastering = _payload(frame, "MASTERING_DISPLAY_METADATA")
    if mastering is not None and len(mastering) >= 88:
        numbers = struct.unpack_from("=22i", mastering)
        ratios = [Fraction(n, d) if d else Fraction(0) for n, d in zip(numbers[0:20:2], numbers[1:20:2], strict=True)]
        has_primaries, has_luminance = numbers[20], numbers[21]
        if has_primaries and has_luminance:
            chromaticity = [round(r * 50000) for r in ratios[:8]]
            darkest, brightest = round(ratios[8] * 10000), round(ratios[9] * 10000)
            rx, ry, gx, gy, bx, by, wx, wy = chromaticity
            found["mastering-display"] = f"G({gx},{gy})B({bx},{by})R({rx},{ry})WP({wx},{wy})L({brightest},{darkest})"
    light = _payload(frame, "CONTENT_LIGHT_LEVEL")
    if light is not None and len(light) >= 8:
        brightest_pixel, brightest_frame = struct.unpack_from("=2I", light)
        found["max-cll"] = f"{brightest_pixel},{brightest_frame}"
    return found
