"""``vsr run``: a file, a picture, a sequence or a folder in; the same, larger and sharper, out."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from vsr.cli.progress import ProgressBar
from vsr.errors import SinkError, UsageError
from vsr.folder import run_folder
from vsr.notices import Notices
from vsr.pipeline import run as run_pipeline
from vsr.report import RunReport
from vsr.spec import make_spec, parse_rate


def tell(text: str) -> None:
    """A notice, on standard error."""
    print(f"vsr: note: {text}", file=sys.stderr)


def run(
    source: Annotated[
        str, typer.Argument(help="Video, picture, numbered pictures (in_%04d.png) or folder to upscale.")
    ],
    output: Annotated[str, typer.Argument(help="File to write (its extension chooses the container), or a folder.")],
    *,
    scale: Annotated[int | None, typer.Option(help="Factor: 2, 3 or 4 (2 by default).")] = None,
    to: Annotated[
        str | None, typer.Option(help="Size instead: 1080p, 1440p, 4k, 8k (fit inside) or WxH (exact).")
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="Network, see 'vsr models' (what the weights are for, else lrsrn).")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Shipped weights by name, or a file: .safetensors, .pth, .onnx.")
    ] = None,
    pipeline: Annotated[
        str, typer.Option(help="Preset: balanced, fast, realtime, draft, archive, or a TOML file.")
    ] = "balanced",
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N (auto by default).")] = None,
    backend: Annotated[
        str | None,
        typer.Option(help="What runs the network (by default what is fastest: openvino on x86 CPUs, torch elsewhere)."),
    ] = None,
    precision: Annotated[str | None, typer.Option(help="auto, fp32, bf16, fp16 or int8 (auto by default).")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Frames through the network at once (1 by default).")] = None,
    strip_rows: Annotated[int | None, typer.Option(help="Rows of the picture at once: less memory.")] = None,
    codec: Annotated[str | None, typer.Option(help="FFmpeg encoder: libx264, libx265, libsvtav1, ffv1, ...")] = None,
    crf: Annotated[float | None, typer.Option(help="Constant rate factor of the encoder: lower is better.")] = None,
    preset: Annotated[str | None, typer.Option(help="Speed preset of the encoder.")] = None,
    pix_fmt: Annotated[str | None, typer.Option(help="Pixel format of the output, such as yuv420p10le.")] = None,
    encoder_opt: Annotated[
        list[str] | None, typer.Option(help="Further encoder option, KEY=VALUE; repeatable.")
    ] = None,
    video_stream: Annotated[int | None, typer.Option(help="Index of the stream to upscale, see 'vsr info'.")] = None,
    interlaced: Annotated[str | None, typer.Option(help="bwdif (deinterlace) or keep (bwdif by default).")] = None,
    hwaccel: Annotated[
        str | None, typer.Option(help="Hardware decoding: auto, cuda, qsv or none (none by default).")
    ] = None,
    frame_rate: Annotated[
        str | None, typer.Option(help="Of numbered pictures, such as 24000/1001 (25 by default).")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", "-y", help="Replace an existing output.")] = False,
    json_path: Annotated[
        str | None, typer.Option("--json", help="Write the report to this file, or - for stdout.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes, no progress, no summary.")] = False,
) -> None:
    """Upscale a video: every frame, timestamp, stream and colour tag stays; the picture grows."""
    flags = {
        "scale": scale, "to": to, "network": network, "weights": weights, "device": device, "backend": backend,
        "precision": precision, "batch_size": batch_size, "strip_rows": strip_rows, "codec": codec, "crf": crf,
        "preset": preset, "pix_fmt": pix_fmt, "video_stream": video_stream, "interlaced": interlaced,
        "hwaccel": hwaccel, "overwrite": overwrite,
        "frame_rate": parse_rate(frame_rate) if frame_rate else None,
        "encoder_options": tuple(key_value(text) for text in encoder_opt) if encoder_opt else None,
    }  # fmt: skip
    spec = make_spec(source, output, pipeline=pipeline, **flags)
    check_json_path(json_path)
    if Path(source).is_dir():
        reports = run_folder(spec, tell=None if quiet else tell)
        write_json([report.as_dict() for report in reports], json_path)
        return
    with ProgressBar(enabled=not quiet) as bar:
        report = run_pipeline(spec, notices=Notices(None if quiet else tell), progress=bar.update)
    write_json(report.as_dict(), json_path)
    if not quiet and json_path != "-":
        print(summary(report))


def summary(report: RunReport) -> str:
    """Two lines for a person: what came out, and how fast and why."""
    size = f"{report.result['width']}x{report.result['height']}"
    frames = "1 frame" if report.frames_out == 1 else f"{report.frames_out} frames"
    stages = ", ".join(f"{s.name} {s.ms_per_frame:.0f} ms ({s.occupancy:.0%})" for s in report.stages)
    return (
        f"{report.output}: {size}, {frames} in {report.wall_s:.1f} s, {report.fps:.2f} fps\n"
        f"{stages}; limited by {report.bottleneck}: {report.advice}"
    )


def check_json_path(path: str | None) -> None:
    """A report that can't be written is known before the work, not after it."""
    if path not in (None, "-") and not Path(str(path)).absolute().parent.is_dir():
        raise SinkError(f"the report can't be written to {path}: its folder does not exist")


def write_json(content: object, path: str | None) -> None:
    if path is None:
        return
    text = json.dumps(content, indent=2)
    if path == "-":
        print(text)
        return
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as exc:
        raise SinkError(f"the report can't be written to {path}: {exc.strerror}") from exc


def key_value(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise UsageError(f"--encoder-opt is {text!r}; give KEY=VALUE")
    return key, value
