"""``vsr live``: a camera or a stream in; the same, larger and sharper, out, with a bound on the delay."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from vsr.cli import options
from vsr.cli.live_line import LiveLine
from vsr.cli.run import check_json_path, key_value, tell, write_json
from vsr.cli.shown import shown
from vsr.errors import UsageError
from vsr.live.choices import make_controls
from vsr.live.controls import Controls
from vsr.live.report import LiveReport
from vsr.live.sinks import STANDARD_OUTPUT
from vsr.live.spec import DEFAULT_HOST, DEFAULT_PORT, LiveSpec
from vsr.notices import Notices
from vsr.pipeline import live as run_live
from vsr.spec import make_spec


def live(
    source: Annotated[
        str,
        typer.Argument(
            help="camera:0, /dev/video0, an address (rtsp, rtmp, srt, udp, tcp, http), screen, '-' (standard input), "
            "a file with --realtime, browser (its camera, with the sink web), or test."
        ),
    ],
    sinks: Annotated[
        list[str] | None,
        typer.Argument(
            help="Any of: window, web, a file (a recording), an address (rtsp, rtmp, srt, udp, tcp), hls:FOLDER or a "
            ".m3u8 file, '-' (NUT on standard output), y4m:-, virtual-camera. By default: window."
        ),
    ] = None,
    *,
    scale: options.Scale = None,
    to: options.To = None,
    network: Annotated[str | None, typer.Option(help="The best network to use, see 'vsr models'.")] = None,
    weights: options.Weights = None,
    pipeline: Annotated[str, typer.Option(help="Preset: live, or a TOML file.")] = "live",
    max_latency_ms: Annotated[
        float, typer.Option(help="Beyond this delay a cheaper network takes over; 0: the network stays.")
    ] = 300.0,
    realtime: Annotated[bool, typer.Option("--realtime", help="Read a file at its own pace.")] = False,
    no_audio: Annotated[bool, typer.Option("--no-audio", help="Leave the sound out.")] = False,
    duration: Annotated[float | None, typer.Option(help="End after so many seconds.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N (auto by default).")] = None,
    backend: options.Backend = None,
    precision: options.Precision = None,
    codec: options.Codec = None,
    crf: options.Crf = None,
    preset: options.SpeedPreset = None,
    encoder_opt: options.EncoderOptions = None,
    hwaccel: options.HwAccel = None,
    host: Annotated[
        str, typer.Option(help="Address to serve the page of 'web' at; other than this machine's own: with a token.")
    ] = DEFAULT_HOST,
    port: Annotated[int, typer.Option(help="Port of the page; 0: any free one.")] = DEFAULT_PORT,
    overwrite: options.Overwrite = False,
    json_path: options.Report = None,
    quiet: options.Quiet = False,
) -> None:
    """Upscale a live source: the newest frame wins, a lost source is found again, Ctrl-C finishes the recording.

    When the machine can't keep up within --max-latency-ms, a cheaper network takes over (balanced, fast, realtime,
    bicubic), and gives way again when there is time.
    """
    flags = {
        "scale": scale, "to": to, "network": network, "weights": weights, "device": device, "backend": backend,
        "precision": precision, "codec": codec, "crf": crf, "preset": preset, "hwaccel": hwaccel,
        "overwrite": overwrite,
        "encoder_options": tuple(key_value(text) for text in encoder_opt) if encoder_opt else None,
    }  # fmt: skip
    spec = LiveSpec(
        source=source,
        sinks=tuple(sinks or ("window",)),
        pipeline=make_spec(source, "live", pipeline=pipeline, **flags),
        max_latency_ms=max_latency_ms or None,
        realtime=realtime,
        audio=not no_audio,
        duration_s=duration,
        host=host,
        port=port,
    )
    check_json_path(json_path)
    if json_path == "-" and any(sink in STANDARD_OUTPUT for sink in spec.sinks):
        raise UsageError("--json - and a sink both go to standard output; write the report to a file")
    controls = make_controls(spec.pipeline)
    with _stopping(controls), LiveLine(controls, enabled=not quiet):
        report = run_live(spec, controls, notices=Notices(None if quiet else tell))
    write_json(report.as_dict(), json_path)
    if not quiet and json_path != "-":
        print(shown(summary(report)), file=sys.stderr)
    report.check()


@contextmanager
def _stopping(controls: Controls) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the run well; the second time, at once."""

    def stop(number: int, _: object) -> None:
        if controls.stopped:
            raise KeyboardInterrupt(signal.Signals(number).name)
        controls.stop()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def summary(report: LiveReport) -> str:
    """A few lines for a person: how much, how late, through which networks."""
    lost = report.dropped / report.frames_in if report.frames_in else 0.0
    lines = [f"{report.source}: {report.frames_in} frames in {report.wall_s:.1f} s, {lost:.1%} dropped"]
    if report.networks:
        lines[0] += f", upscaled in {report.upscale_ms:.0f} ms each with {' -> '.join(_networks(report))}"
    for sink in report.sinks:
        late = (
            "no frame"
            if sink.latency is None
            else (
                f"{sink.latency.p50_ms:.0f} ms behind (95%: {sink.latency.p95_ms:.0f}, 99%: {sink.latency.p99_ms:.0f})"
            )
        )
        failed = f", failed {sink.failures} times" if sink.failures else ""
        lines.append(f"{sink.name}: {sink.frames} frames, {sink.dropped} skipped, {late}{failed}")
    return "\n".join(lines)


def _networks(report: LiveReport) -> list[str]:
    names = [name for _, name in report.networks]
    return names if len(names) <= 5 else [*names[:2], f"({len(names) - 4} changes)", *names[-2:]]
