"""``vsr info``: what vsr sees in a file, and what ``vsr run`` would make of it."""

import json
from fractions import Fraction
from typing import Annotated, Any

import typer

from vsr.cli import options
from vsr.cli.shown import shown


def info(
    file: Annotated[str, typer.Argument(help="Video, picture or numbered pictures (in_%04d.png) to look at.")],
    *,
    video_stream: options.VideoStream = None,
    weights: options.Weights = None,
    allow_network: options.AllowNetwork = False,
    max_pixels: options.MaxPixels = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Tell a file's streams, colour, geometry and timing, and the plan of 'vsr run' at x2; nothing is written."""
    # torch takes seconds to import; `vsr --help` need not wait for it.
    from vsr.spec import make_spec
    from vsr.survey import survey

    spec = make_spec(
        file, file, scale=2, video_stream=video_stream, weights=weights, max_pixels=max_pixels,
        allow_network=allow_network,
    )  # fmt: skip
    facts = survey(spec)
    lines = (shown(line.replace("\n", " ")) for line in describe(facts))
    print(json.dumps(facts, indent=2) if as_json else "\n".join(lines))


def describe(facts: dict[str, Any]) -> list[str]:
    """The lines for a person."""
    return [
        *_container(facts),
        "",
        "streams",
        *(_stream(stream, facts["video"]["stream"]) for stream in facts["streams"]),
        "",
        f"picture (stream #{facts['video']['stream']})",
        *_picture(facts["video"]),
        "",
        *_plan(facts["run"]),
        *(f"  note       {notice}" for notice in facts["notices"]),
    ]


def _container(facts: dict[str, Any]) -> list[str]:
    container = facts["container"]
    parts = [container["name"]]
    if container["duration_s"] is not None:
        parts.append(f"{container['duration_s']:.2f} s")
    if container["bytes"] is not None:
        parts.append(f"{container['bytes'] / 1e6:.2f} MB")
    if container["chapters"]:
        parts.append(f"{container['chapters']} chapters")
    tags = [f"  {key}: {value}" for key, value in container["metadata"].items()]
    return [f"{facts['file']}: {', '.join(parts)}", *tags]


def _stream(stream: dict[str, Any], upscaled: int) -> str:
    codec = stream["codec"] + (f" ({stream['profile']})" if stream["profile"] else "")
    language = None if stream["language"] == "und" else stream["language"]
    notes = [stream["details"], language, stream["title"], *stream["disposition"]]
    if stream["start_s"]:
        notes.append(f"starts at {stream['start_s']:.3f} s")
    if stream["index"] == upscaled:
        notes.append("to be upscaled")
    return f"  #{stream['index']:<3} {stream['type']:<10} {codec:<18} {', '.join(note for note in notes if note)}"


def _picture(video: dict[str, Any]) -> list[str]:
    color = video["color"]
    size = f"{video['width']}x{video['height']}"
    shape = "square pixels" if video["sample_aspect_ratio"] == "1" else f"pixels {video['sample_aspect_ratio']}"
    shown = "x".join(str(side) for side in video["displayed"])
    return [
        f"  size       {size}, {shape}, {video['orientation'] or 'upright'}; shown as {shown}",
        f"  samples    {video['pixels']}, {'interlaced' if video['interlaced'] else 'progressive'}",
        f"  colour     {_color(color)}",
        f"  guessed    {', '.join(color['guessed']) or 'nothing'}",
        f"  HDR        {_hdr(video)}",
        f"  timing     {'a still picture' if video['still'] else _timing(video)}",
    ]


def _color(color: dict[str, Any]) -> str:
    return (
        f"matrix {color['matrix_name']}, range {color['range']}, primaries {color['primaries_name']}, "
        f"transfer {color['transfer_name']}, chroma {color['chroma_location']}"
    )


def _hdr(video: dict[str, Any]) -> str:
    static = [f"{key} {value}" for key, value in video["hdr"].items()]
    return ", ".join([video["hdr_kind"], *static] if video["hdr_kind"] else ["no", *static])


def _timing(video: dict[str, Any]) -> str:
    rate = f"{_rate(video['frame_rate'])} fps"
    if video["variable_rate"]:
        rate = f"variable rate, {_rate(video['average_rate'])} fps on average, at most {_rate(video['base_rate'])}"
    parts = [rate, f"time base {video['time_base']}"]
    if video["start_s"] is not None:
        parts.append(f"starts at {video['start_s']:.3f} s")
    if video["duration_s"] is not None:
        parts.append(f"lasts {video['duration_s']:.3f} s")
    if video["frames_declared"] is not None:
        parts.append(f"about {video['frames_declared']} frames")
    return ", ".join(parts)


def _rate(rate: str | None) -> str:
    if rate is None:
        return "unknown"
    return rate if "/" not in rate else f"{float(Fraction(rate)):.3f} ({rate})"


def _plan(run: dict[str, Any]) -> list[str]:
    if "refused" in run:
        return [f"'vsr run' would refuse: {run['refused']}"]
    shown = "x".join(str(side) for side in run["displayed"])
    settings = " ".join(f"{key}={value}" for key, value in run["encoder_options"].items())
    network = run["network"]
    passes = ", then ".join(f"x{scale}" for scale in network["passes"])
    return [
        f"'vsr run' at {run['requested']} into the container {run['container']} would do this",
        f"  size       {run['width']}x{run['height']}; shown as {shown}",
        f"  encoder    {run['codec']}, {run['pix_fmt']}, {settings or 'its own settings'}",
        f"  colour     {_color(run['color'])}",
        f"  network    {network['name']} {passes}, weights {network['weights'] or 'none'}",
        f"  runs on    {run['device']}, {run['backend']}, {run['precision']}",
        *(f"  stream     {_fate(stream)}" for stream in run["streams"]),
    ]


def _fate(stream: dict[str, Any]) -> str:
    return stream["sentence"] or f"{stream['kind']} stream #{stream['index']} ({stream['codec']}) is copied"
