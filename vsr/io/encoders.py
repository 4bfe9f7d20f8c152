"""Which encoder, pixel format and settings an output gets: defaults by container and depth, flags over them."""

import os
from dataclasses import dataclass, replace

import av
from av import VideoFormat
from av.codec.codec import UnknownCodecError

from vsr.errors import SinkError, UsageError
from vsr.frames import MATRIX_BT709, MATRIX_RGB, ColorSpace, PixelLayout, VideoInfo
from vsr.io import formats
from vsr.io.devices import encoder_error
from vsr.notices import Notices
from vsr.spec import PipelineSpec

_MATRIX_BT470BG = 5
_FRAMES_IN_MEMORY = "wrapped_avframe"
_STILL_CODECS = {
    ".png": "png",
    ".jpg": "mjpeg",
    ".jpeg": "mjpeg",
    ".webp": "libwebp",
    ".bmp": "bmp",
    ".tif": "tiff",
    ".tiff": "tiff",
}
# Encoders that keep RGB as it is; every other video encoder gets RGB sources as 4:2:0, which every player shows.
_KEEPS_RGB = {"ffv1", "utvideo", "png", "libwebp", "bmp", "tiff", "rawvideo", "gif"}


@dataclass(frozen=True)
class CodecTraits:
    """How one encoder takes its quality and speed, and what it is set to when nothing is asked."""

    quality_option: str | None = None
    preset_option: str | None = None
    defaults: tuple[tuple[str, str], ...] = ()
    worst_quality: float = 51
    """The largest rate factor."""
    choices: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Options whose values are checked here, because the encoder writes to standard error about others."""
    qscale: int | None = None
    """Constant quantiser (FFmpeg's -qscale) of encoders without a rate factor."""


_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo")
_X264_CHOICES = (
    ("preset", _PRESETS),
    ("tune", ("film", "animation", "grain", "stillimage", "psnr", "ssim", "fastdecode", "zerolatency")),
)
_X265_CHOICES = (
    ("preset", _PRESETS),
    ("tune", ("psnr", "ssim", "grain", "zerolatency", "fastdecode", "animation")),
)

_TRAITS = {
    "libx264": CodecTraits("crf", "preset", (("crf", "17"), ("preset", "medium")), choices=_X264_CHOICES),
    "libx265": CodecTraits("crf", "preset", (("crf", "18"), ("preset", "fast")), choices=_X265_CHOICES),
    "libsvtav1": CodecTraits("crf", "preset", (("crf", "24"), ("preset", "8")), worst_quality=63),
    "libvpx-vp9": CodecTraits(
        "crf",
        "cpu-used",
        (("crf", "22"), ("cpu-used", "5"), ("deadline", "good"), ("row-mt", "1")),
        worst_quality=63,
    ),
    "h264_nvenc": CodecTraits("cq", "preset", (("cq", "19"), ("preset", "p5"), ("rc", "vbr"))),
    "hevc_nvenc": CodecTraits("cq", "preset", (("cq", "20"), ("preset", "p5"), ("rc", "vbr"))),
    "av1_nvenc": CodecTraits("cq", "preset", (("cq", "24"), ("preset", "p5"), ("rc", "vbr"))),
    "h264_qsv": CodecTraits("global_quality", "preset", (("global_quality", "19"),)),
    "hevc_qsv": CodecTraits("global_quality", "preset", (("global_quality", "20"),)),
    "av1_qsv": CodecTraits("global_quality", "preset", (("global_quality", "24"),)),
    "ffv1": CodecTraits(defaults=(("level", "3"), ("g", "1"), ("slices", "16"), ("slicecrc", "1"))),
    "mpeg4": CodecTraits(qscale=2),
    "mpeg2video": CodecTraits(qscale=2),
    "mjpeg": CodecTraits(qscale=2),
    "libwebp": CodecTraits(defaults=(("quality", "90"),)),
}


@dataclass(frozen=True)
class Encoding:
    """A decided encoder: what it is fed and how it is set."""

    codec: str
    pix_fmt: str
    """The encoder's own format."""
    layout: PixelLayout
    """The planar layout that carries the same samples; what the upscaler delivers."""
    color: ColorSpace
    options: dict[str, str]
    qscale: int | None

    @property
    def even_width(self) -> bool:
        """True when the width must be even (chroma subsampled across)."""
        return self.layout.chroma_shift_x > 0 and self.codec not in _KEEPS_RGB

    @property
    def even_height(self) -> bool:
        """True when the height must be even (chroma subsampled down)."""
        return self.layout.chroma_shift_y > 0 and self.codec not in _KEEPS_RGB


def choose(spec: PipelineSpec, container: str, default_codec: str, info: VideoInfo, notices: Notices) -> Encoding:
    """Decide the encoder for an output container (FFmpeg's muxer name) and a source.

    Raises UsageError for options the encoder does not have, SinkError for an encoder that is not there.
    """
    codec = codec_of(spec, container, default_codec, info.layout)
    _check_codec(codec)
    pix_fmt = _pix_fmt(spec, codec, info.layout)
    layout = formats.layout_of(pix_fmt)
    _announce_loss(info.layout, layout, codec, notices)
    color = _output_color(codec, layout, info)
    return Encoding(codec, pix_fmt, layout, color, _options(spec, codec, info, notices), _traits(codec).qscale)


def codec_of(spec: PipelineSpec, container: str, default_codec: str, layout: PixelLayout) -> str:
    """FFmpeg's name of the encoder that ``choose`` decides on for a source of ``layout``."""
    suffix = "." + spec.output.rsplit(".", 1)[-1].lower()
    return spec.codec or _default_codec(container, suffix, default_codec, layout)


def _traits(codec: str) -> CodecTraits:
    return _TRAITS.get(codec, CodecTraits())


def _default_codec(container: str, suffix: str, fallback: str, layout: PixelLayout) -> str:
    if container == "image2":
        return _STILL_CODECS.get(suffix, fallback)
    if container == "webm":
        return "libvpx-vp9" if layout.bits == 8 else "libsvtav1"
    if container in {"mpeg", "vob", "svcd", "dvd"}:
        return "mpeg2video"
    if layout.alpha and container == "mov":
        return "prores_ks"
    if container in {"mp4", "mov", "ipod", "3gp", "3g2", "matroska", "mpegts", "flv", "hls"}:
        high_depth = layout.bits > 8 and container != "flv"
        return "libx265" if high_depth else "libx264"
    return "rawvideo" if fallback == _FRAMES_IN_MEMORY else fallback


def _check_codec(codec: str) -> None:
    try:
        found = av.Codec(codec, "w")
    except UnknownCodecError as exc:
        raise SinkError(f"FFmpeg has no encoder '{codec}' here; try libx264, libx265, libsvtav1 or ffv1") from exc
    if codec == _FRAMES_IN_MEMORY:
        raise UsageError(f"--codec {codec} hands on addresses of pictures, not pictures; take rawvideo")
    if found.type != "video":
        raise UsageError(f"--codec {codec} encodes {found.type}, not video")
    reason = encoder_error(codec)
    if reason is not None:
        raise SinkError(f"encoder {codec} can't be used here: {reason}; libx264 and libx265 run anywhere")


def _pix_fmt(spec: PipelineSpec, codec: str, source: PixelLayout) -> str:
    """The encoder's format that loses least of ``source``, or the one asked for."""
    accepted = [f for f in formats.encoder_formats(codec) if _is_pictorial(f)]
    if not accepted:  # rawvideo and its kind take anything
        if spec.pix_fmt is not None and not formats.exists(spec.pix_fmt):
            raise UsageError(f"--pix-fmt {spec.pix_fmt} is no pixel format of FFmpeg")
        return spec.pix_fmt or formats.pix_fmt_of(source)
    if spec.pix_fmt is not None:
        if spec.pix_fmt not in accepted:
            raise UsageError(f"encoder {codec} does not take --pix-fmt {spec.pix_fmt}; it takes: {', '.join(accepted)}")
        return spec.pix_fmt
    wanted = source
    if source.family == "rgb" and codec not in _KEEPS_RGB:
        wanted = PixelLayout("yuv", source.bits, 1, 1, source.alpha)
    return min(accepted, key=lambda f: _loss(wanted, formats.layout_of(f), accepted.index(f)))


def _is_pictorial(pix_fmt: str) -> bool:
    """False for palettes, bitmaps and other formats too coarse for pictures."""
    description = VideoFormat(pix_fmt)
    return not description.has_palette and max(c.bits for c in description.components) >= 8


def _loss(wanted: PixelLayout, got: PixelLayout, rank: int) -> tuple[int, ...]:
    """Orders formats: what is lost weighs before what is added, and the encoder's own order breaks ties."""
    family_change = int(wanted.family not in (got.family, "gray"))
    return (
        max(wanted.bits - got.bits, 0),
        int(wanted.alpha and not got.alpha),
        int(wanted.family != "gray" and got.family == "gray"),
        max(got.chroma_shift_x - wanted.chroma_shift_x, 0) + max(got.chroma_shift_y - wanted.chroma_shift_y, 0),
        family_change,
        max(got.bits - wanted.bits, 0),
        int(wanted.family != got.family),
        max(wanted.chroma_shift_x - got.chroma_shift_x, 0) + max(wanted.chroma_shift_y - got.chroma_shift_y, 0),
        int(got.alpha and not wanted.alpha),
        rank,
    )


def _announce_loss(source: PixelLayout, target: PixelLayout, codec: str, notices: Notices) -> None:
    if target.bits < source.bits:
        notices.say(f"{codec} holds {target.bits} bits a sample, the source has {source.bits}; --codec chooses another")
    if source.alpha and not target.alpha:
        notices.say(f"{codec} can't hold transparency; it is dropped (webm, or mov with prores_ks, keeps it)")
    finer = source.chroma_shift_x < target.chroma_shift_x or source.chroma_shift_y < target.chroma_shift_y
    if finer and source.family != "gray":
        notices.say(
            f"chroma is reduced from {source.chroma_name} to {target.chroma_name} for {codec}; --pix-fmt chooses"
        )


def _output_color(codec: str, layout: PixelLayout, info: VideoInfo) -> ColorSpace:
    """The source's colour, but for what a picture format or a change of family dictates."""
    source = info.color
    if layout.family == "rgb":
        return replace(source, matrix=MATRIX_RGB, full_range=True)
    if codec == "mjpeg":  # JFIF is BT.601 in full range, chroma in the middle
        return replace(source, matrix=_MATRIX_BT470BG, full_range=True, chroma_location="center")
    if codec == "libwebp":  # WebP (RFC 9649) is BT.601 in limited range
        return replace(source, matrix=_MATRIX_BT470BG, full_range=False, chroma_location="center")
    if source.matrix == MATRIX_RGB:
        return replace(source, matrix=MATRIX_BT709, full_range=False)
    if codec == "prores_ks":
        return replace(source, full_range=False)
    return source


def _options(spec: PipelineSpec, codec: str, info: VideoInfo, notices: Notices) -> dict[str, str]:
    traits = _traits(codec)
    options = dict(traits.defaults)
    if spec.crf is not None:
        if traits.quality_option is None:
            raise UsageError(f"encoder {codec} has no rate factor; leave --crf out, or set its own with --encoder-opt")
        if not 0 <= spec.crf <= traits.worst_quality:
            raise UsageError(f"--crf is {spec.crf:g}; {codec} takes 0 (best) to {traits.worst_quality:g}")
        options[traits.quality_option] = f"{spec.crf:g}"
    if spec.preset is not None:
        if traits.preset_option is None:
            raise UsageError(f"encoder {codec} has no presets; leave --preset out")
        options[traits.preset_option] = spec.preset
    _settle(codec, options)
    if info.hdr:
        _add_hdr(codec, options, info.hdr, notices)
    for key, value in spec.encoder_options:
        joined = key.endswith("-params") and key in options
        options[key] = f"{options[key]}:{value}" if joined else value
    for key, choices in traits.choices:
        unknown = [word for word in options.get(key, choices[0]).split(",") if word not in choices]
        if unknown:
            raise UsageError(f"{codec} has no {key} '{unknown[0]}'; choose one of: {', '.join(choices)}")
    return options


def _settle(codec: str, options: dict[str, str]) -> None:
    """x265 and SVT-AV1 write to standard error by themselves; leave them their errors only.

    x265 also puts its settings into the header, processor and threads among them: pieces made on several machines
    would have headers of several kinds.
    """
    if codec == "libx265":
        options["x265-params"] = "log-level=error:info=0"
    if codec == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")


def _add_hdr(codec: str, options: dict[str, str], hdr: dict[str, str], notices: Notices) -> None:
    """Static HDR metadata in the encoder's own words."""
    mastering, light = hdr.get("mastering-display"), hdr.get("max-cll")
    if codec == "libx265":
        pairs = [("master-display", mastering), ("max-cll", light)]
        key = "x265-params"
    elif codec == "libx264":
        pairs = [("mastering-display", mastering), ("cll", light)]
        key = "x264-params"
    elif codec == "libsvtav1":
        pairs = [("mastering-display", mastering and _as_ratios(mastering)), ("content-light", light)]
        key = "svtav1-params"
    else:
        notices.say(f"{codec} can't write the source's HDR10 metadata; libx265 and libsvtav1 can")
        return
    text = ":".join(f"{name}={value}" for name, value in pairs if value)
    options[key] = f"{options[key]}:{text}" if key in options else text


def _as_ratios(mastering: str) -> str:
    """x265's integers (chromaticity in 1/50000, luminance in 1/10000 cd/m2) as SVT-AV1's decimals."""
    parts = []
    for item in mastering.replace(")", ");").split(";"):
        if item:
            name, values = item.rstrip(")").split("(")
            unit = 10000 if name == "L" else 50000
            parts.append(f"{name}({','.join(f'{int(v) / unit:.5f}' for v in values.split(','))})")
    return "".join(parts)
