"""``vsr run``: a file, a picture, a sequence or a folder in; the same, larger and sharper, out."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from vsr.cli import options
from vsr.cli.progress import ProgressBar
from vsr.cli.shown import shown, shown_in_line
from vsr.errors import SinkError, UsageError
from vsr.folder import run_folder
from vsr.io.durable import LINK, write_report
from vsr.notices import Notices
from vsr.report import RunReport
from vsr.segments.job import run as run_job
from vsr.spec import make_spec, parse_rate


def tell(text: str) -> None:
    """A notice, on standard error."""
    print(f"vsr: note: {shown_in_line(text)}", file=sys.stderr)


def run(
    source: Annotated[
        str, typer.Argument(help="Video, picture, numbered pictures (in_%04d.png) or folder to upscale.")
    ],
    output: Annotated[str, typer.Argument(help="File to write (its extension chooses the container), or a folder.")],
    *,
    scale: options.Scale = None,
    to: options.To = None,
    network: Annotated[
        str | None, typer.Option(help="Network, see 'vsr models' (what the weights are for, else lrsrn).")
    ] = None,
    weights: options.Weights = None,
    pipeline: Annotated[
        str, typer.Option(help="Preset: balanced, fast, realtime, draft, archive, or a TOML file.")
    ] = "balanced",
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, cuda:N, cuda:all, or several: cuda:0,cuda:1.")
    ] = None,
    backend: options.Backend = None,
    precision: options.Precision = None,
    batch_size: Annotated[int | None, typer.Option(help="Frames through the network at once (1 by default).")] = None,
    strip_rows: Annotated[int | None, typer.Option(help="Rows of the picture at once: less memory.")] = None,
    codec: options.Codec = None,
    crf: options.Crf = None,
    preset: options.SpeedPreset = None,
    pix_fmt: Annotated[str | None, typer.Option(help="Pixel format of the output, such as yuv420p10le.")] = None,
    encoder_opt: options.EncoderOptions = None,
    video_stream: options.VideoStream = None,
    interlaced: Annotated[str | None, typer.Option(help="bwdif (deinterlace) or keep (bwdif by default).")] = None,
    hwaccel: options.HwAccel = None,
    frame_rate: options.FrameRate = None,
    segment: Annotated[
        float | None,
        typer.Option(help="Seconds of the pieces that a long run is made in, 0 for one go (30 by default)."),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Throw away the pieces of an earlier run that did not end.")
    ] = False,
    on_corrupt: Annotated[str | None, typer.Option(help="Damaged packets: skip or fail (skip by default).")] = None,
    allow_cpu_fallback: Annotated[
        bool | None,
        typer.Option("--allow-cpu-fallback", help="Go on with the CPU where the GPU's memory is too small."),
    ] = None,
    allow_network: options.AllowNetwork = False,
    max_pixels: options.MaxPixels = None,
    cluster: Annotated[
        str | None, typer.Option(help="Spread the pieces over a Ray cluster: its address, or auto.")
    ] = None,
    ship: Annotated[
        bool, typer.Option("--ship", help="Send the files through the cluster: no shared storage is needed.")
    ] = False,
    overwrite: options.Overwrite = False,
    json_path: options.Report = None,
    quiet: options.Quiet = False,
) -> None:
    """Upscale a video: every frame, timestamp, stream and colour tag stays; the picture grows."""
    flags = {
        "scale": scale, "to": to, "network": network, "weights": weights, "device": device, "backend": backend,
        "precision": precision, "batch_size": batch_size, "strip_rows": strip_rows, "codec": codec, "crf": crf,
        "preset": preset, "pix_fmt": pix_fmt, "video_stream": video_stream, "interlaced": interlaced,
        "hwaccel": hwaccel, "overwrite": overwrite, "segment_s": segment, "restart": restart,
        "on_corrupt": on_corrupt, "allow_cpu_fallback": allow_cpu_fallback, "allow_network": allow_network,
        "max_pixels": max_pixels, "cluster": cluster, "ship": ship,
        "frame_rate": parse_rate(frame_rate) if frame_rate else None,
        "encoder_options": tuple(key_value(text) for text in encoder_opt) if encoder_opt else None,
    }  # fmt: skip
    spec = make_spec(source, output, pipeline=pipeline, **flags)
    check_json_path(json_path)
    if not source or not output:  # which would be this folder, and all that is in it
        raise UsageError(f"the name of the {'output' if source else 'source'} is empty")
    if Path(source).is_dir():
        reports = run_folder(spec, tell=None if quiet else tell)
        write_json([report.as_dict() for report in reports], json_path)
        return
    with ProgressBar(enabled=not quiet) as bar:
        report = run_job(spec, notices=Notices(None if quiet else tell), progress=bar.update)
    write_json(report.as_dict(), json_path)
    if not quiet and json_path != "-":
        print(shown(summary(report)))


def summary(report: RunReport) -> str:
    """Two lines for a person: what came out, and how fast and why; one where everything had been made before."""
    size = f"{report.result['width']}x{report.result['height']}"
    frames = "1 frame" if report.frames_out == 1 else f"{report.frames_out} frames"
    done = f"{report.output}: {size}, {frames} in {report.wall_s:.1f} s"
    if report.segments and report.segments.kept:
        done += f", {report.segments.kept} of {report.segments.total} pieces from an earlier run"
    if not report.stages:
        return done
    stages = ", ".join(f"{s.name} {s.ms_per_frame:.0f} ms ({s.occupancy:.0%})" for s in report.stages)
    return f"{done}, {report.fps:.2f} fps\n{stages}; limited by {report.bottleneck}: {report.advice}"


def check_json_path(path: str | None) -> None:
    """A report that can't be written is known before the work, not after it. Raises SinkError."""
    if path in (None, "-"):
        return
    report = Path(str(path)).absolute()
    if not report.parent.is_dir():
        raise SinkError(f"the report can't be written to {path}: its folder does not exist")
    if report.is_symlink():
        raise SinkError(f"the report can't be written to {path}: {LINK}, or -")
    if report.is_dir():
        raise SinkError(f"the report can't be written to {path}: it is a folder")


def write_json(content: object, path: str | None) -> None:
    """Print the report, or write it as a whole. Raises SinkError."""
    if path is None:
        return
    text = json.dumps(content, indent=2) + "\n"
    if path == "-":
        print(text, end="")
        return
    try:
        write_report(Path(path), text.encode())
    except OSError as exc:
        raise SinkError(f"the report can't be written to {path}: {exc.strerror}") from exc


def key_value(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise UsageError(f"--encoder-opt is {text!r}; give KEY=VALUE")
    return key, value
