"""PipelineSpec: everything a run is asked to do, from a TOML preset and flags, checked before anything is opened."""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from importlib import resources
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from vsr.backends import PrecisionChoice
from vsr.errors import UsageError
from vsr.preset_options import check_encoder_options

Interlaced = Literal["bwdif", "keep"]
HwAccel = Literal["auto", "cuda", "qsv", "none"]
OnCorrupt = Literal["skip", "fail"]

NAMED_BOXES = {"1080p": (1920, 1080), "1440p": (2560, 1440), "4k": (3840, 2160), "8k": (7680, 4320)}


@dataclass(frozen=True)
class PipelineSpec:
    """One run. ``None`` means: what suits the source and the container."""

    source: str
    output: str
    scale: int | None = None
    """2, 3 or 4; exclusive with ``to``; 2 when neither is given."""
    to: str | None = None
    """``4k``, ``1440p``, ``1080p``, ``8k`` (fit inside, aspect kept) or ``WIDTHxHEIGHT`` (exactly)."""
    network: str | None = None
    """None: what ``weights`` are for; without these, lrsrn."""
    weights: str | None = None
    """A shipped name, or a file of any kind that is recognised."""
    backend: str = "auto"
    device: str = "auto"
    precision: PrecisionChoice = "auto"
    batch_size: int = 1
    strip_rows: int | None = None
    codec: str | None = None
    crf: float | None = None
    preset: str | None = None
    pix_fmt: str | None = None
    encoder_options: tuple[tuple[str, str], ...] = ()
    video_stream: int | None = None
    interlaced: Interlaced = "bwdif"
    hwaccel: HwAccel = "none"
    frame_rate: Fraction | None = None
    """Of an image sequence; 25 when not given."""
    overwrite: bool = False
    segment_s: float = 30.0
    """A longer run is made in pieces of about this many seconds, which survive it; 0: in one go."""
    restart: bool = False
    """Throw away the pieces of an earlier run."""
    on_corrupt: OnCorrupt = "skip"
    """What to do with packets that can't be decoded."""
    allow_cpu_fallback: bool = False
    """Go on with the CPU where a device has not memory enough for the smallest piece of a frame."""
    allow_network: bool = False
    """Take a ``source`` that is a network address."""
    max_pixels: int = 8192 * 8192
    """Of a frame, of the source or the output; what declares more, or would be, is refused before it is allocated."""
    cluster: str | None = None
    """Address of a Ray cluster to spread the pieces over; ``auto`` finds the one that this machine belongs to."""
    ship: bool = False
    """Send source and pieces through the cluster instead of reading and writing them on shared storage."""
    read_ahead: int = 4
    """Decoded frames in flight before the upscaler."""
    write_ahead: int = 2
    """Upscaled batches in flight before the encoder."""

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(PipelineSpec).items():
            _check_type(name, getattr(self, name), hint)
        if self.scale is not None and self.to is not None:
            raise UsageError("--scale and --to exclude each other; give one of them")
        if self.scale is not None and self.scale not in (2, 3, 4):
            raise UsageError(f"scale {self.scale} is not supported; choose 2, 3 or 4, or give an exact size with --to")
        if self.to is not None and self.to.lower() not in NAMED_BOXES:
            parse_size(self.to)
        for name, choices in (
            ("precision", PrecisionChoice),
            ("interlaced", Interlaced),
            ("hwaccel", HwAccel),
            ("on_corrupt", OnCorrupt),
        ):
            value = getattr(self, name)
            if value not in get_args(choices):
                raise UsageError(f"{_flag(name)} is {value!r}; choose one of: {', '.join(get_args(choices))}")
        for name in ("batch_size", "read_ahead", "write_ahead", "strip_rows", "max_pixels"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{_flag(name)} is {value}; it must be at least 1")
        if not 0 <= self.segment_s < math.inf:
            raise UsageError(f"--segment is {self.segment_s}; give seconds such as 30, or 0 for one go")
        if self.ship and self.cluster is None:
            raise UsageError("--ship sends files through a cluster; give --cluster too")
        if self.crf is not None and not abs(self.crf) < _LARGEST_CRF:
            raise UsageError(f"--crf is {self.crf}; give a number such as 18")
        if self.frame_rate is not None and self.frame_rate <= 0:
            raise UsageError(f"--frame-rate is {self.frame_rate}; it must be more than 0")


_LARGEST_CRF = 1000
"""No encoder has so large a one; what is no number is not below it either."""
_LARGEST_PRESET = 1 << 14
"""Characters; a preset has some hundred."""
_TYPE_WORDS: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    Fraction: "a rate such as 25 or 24000/1001",
    tuple: "a table of KEY = VALUE",
}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _check_type(name: str, value: object, hint: object) -> None:
    """Values come from flags, from TOML and from Python; annotations bind none of them. Raises UsageError."""
    accepted = [_plain_type(option) for option in (get_args(hint) if isinstance(hint, UnionType) else (hint,))]
    given = float if type(value) is int and float in accepted else type(value)
    if given not in accepted:
        wanted = next(_TYPE_WORDS[option] for option in accepted if option in _TYPE_WORDS)
        raise UsageError(f"{_flag(name)} is {value!r}; it must be {wanted}")


def _plain_type(hint: object) -> object:
    """``str`` for a Literal of words, ``tuple`` for ``tuple[...]``, anything else as it is."""
    origin = get_origin(hint)
    return str if origin is Literal else origin or hint


def parse_size(text: str) -> tuple[int, int]:
    """``"1920x1080"`` -> (1920, 1080). Raises UsageError."""
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.lower())
    if match is None or min(int(match[1]), int(match[2])) < 2:
        raise UsageError(f"--to is {text!r}; give one of {', '.join(NAMED_BOXES)} or WIDTHxHEIGHT such as 1920x1080")
    return int(match[1]), int(match[2])


# What a run may touch is for its user to say, not for a file that may come from others.
_NOT_IN_PRESETS = {"source", "output", "overwrite", "restart", "allow_network", "max_pixels", "cluster", "ship"}


@dataclass(frozen=True)
class Preset:
    """The content of one ``pipelines/*.toml``."""

    name: str
    summary: str
    values: dict[str, Any] = field(default_factory=dict)


def preset_names() -> list[str]:
    """Names of the presets that ship."""
    folder = resources.files("vsr.pipelines")
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def load_preset(name_or_path: str) -> Preset:
    """Read a shipped preset by name or a TOML file by path. Raises UsageError on anything it does not know."""
    if name_or_path in preset_names():
        text = (resources.files("vsr.pipelines") / f"{name_or_path}.toml").read_text(encoding="utf-8")
    else:
        try:
            with Path(name_or_path).open(encoding="utf-8") as file:
                text = file.read(_LARGEST_PRESET + 1)
        except (OSError, ValueError) as exc:
            choices = ", ".join(preset_names())
            raise UsageError(f"no pipeline preset '{name_or_path}'; choose one of {choices}, or a TOML file") from exc
    if len(text) > _LARGEST_PRESET:
        raise UsageError(f"pipeline preset '{name_or_path}' has more than {_LARGEST_PRESET} characters: it is none")
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as exc:  # TOMLDecodeError is a ValueError, and numbers of many digits are one
        raise UsageError(f"pipeline preset '{name_or_path}' is not valid TOML: {exc}") from exc
    summary = str(values.pop("summary", ""))
    known = {f.name for f in fields(PipelineSpec)} - _NOT_IN_PRESETS
    for key in values:
        if key not in known:
            raise UsageError(f"pipeline preset '{name_or_path}' sets '{key}'; it may set: {', '.join(sorted(known))}")
    if isinstance(values.get("encoder_options"), Mapping):
        check_encoder_options(values["encoder_options"], name_or_path)
    return Preset(name_or_path, summary, values)


def parse_rate(value: str | float | Fraction) -> Fraction:
    """``25``, ``23.976`` or ``"24000/1001"`` as a Fraction. Raises UsageError."""
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError) as exc:
        raise UsageError(f"--frame-rate is {value!r}; give a number such as 25 or 24000/1001") from exc


def make_spec(source: str, output: str, *, pipeline: str = "balanced", **flags: Any) -> PipelineSpec:
    """A spec from a preset with ``flags`` over it; a flag that is None leaves the preset's value.

    ``frame_rate`` may be a number or text such as ``24000/1001``, and ``encoder_options`` a mapping.
    Raises UsageError on an unknown preset, an unknown flag or a value out of its set.
    """
    known = {f.name for f in fields(PipelineSpec)}
    unknown = sorted(set(flags) - known)
    if unknown:
        raise UsageError(f"no option '{unknown[0]}'; there are: {', '.join(sorted(known))}")
    values = dict(load_preset(pipeline).values)
    values.update({key: value for key, value in flags.items() if value is not None})
    for pair in (("scale", "to"), ("network", "weights")):
        given = [key for key in pair if flags.get(key) is not None]
        # One of a pair, given as a flag, also takes the place of what the preset says for the other.
        if len(given) == 1:
            values = {key: value for key, value in values.items() if key in given or key not in pair}
    if "frame_rate" in values:
        values["frame_rate"] = parse_rate(values["frame_rate"])
    if isinstance(values.get("encoder_options"), Mapping):
        values["encoder_options"] = tuple((key, str(value)) for key, value in values["encoder_options"].items())
    return PipelineSpec(source, output, **values)
