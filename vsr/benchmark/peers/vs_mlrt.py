"""vs-mlrt (VapourSynth's runtime for networks) with OpenVINO, running vsr's own weights as an RGB float ONNX."""

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from vsr.benchmark.cases import Case
from vsr.benchmark.clips import Clip
from vsr.benchmark.peers.contender import Contender
from vsr.errors import BackendError, UsageError
from vsr.export.run import run_export
from vsr.export.spec import ExportSpec

_STREAMS = (1, 2)
"""vs-mlrt's default, and what uses the time in which one frame is converted for another one's network."""
_PRECISIONS = ("fp32", "bf16")
_CHECK = "import vapoursynth as vs; vs.core.bs.VideoSource; vs.core.ov.Model"


def contenders(
    clips: Sequence[Clip], cases: Sequence[Case], python: Path | None, folder: Path
) -> tuple[Contender, ...]:
    """For each clip: every network and precision of ``cases`` that it can run, at each number of streams.

    Raises BackendError where ``python`` (None: this one) lacks the packages, UsageError where no case fits.
    """
    interpreter = str(python or sys.executable)
    _check(interpreter)
    script = str(resources.files("vsr.benchmark.peers") / "vs_mlrt_script.py")
    wanted = {(c.network, c.scale, c.weights, c.precision): None for c in cases if c.precision in _PRECISIONS}
    if not wanted:
        raise UsageError(f"vs-mlrt runs {' and '.join(_PRECISIONS)}; give one of these with --precision beside it")
    found = []
    for network, scale, weights, precision in wanted:
        onnx = folder / f"{network}_x{scale}.onnx"
        if not onnx.exists():
            run_export(ExportSpec(onnx, network, scale, weights, as_rgb=True))
        for clip in clips:
            job = {
                "clip": str(clip.path), "network": str(onnx), "matrix": clip.info.color.matrix, "precision": precision,
            }  # fmt: skip
            found += [
                Contender(
                    "vs-mlrt",
                    f"{network} x{scale} {precision}, {streams} stream{'s' * (streams > 1)}",
                    clip.info.width,
                    clip.info.height,
                    (interpreter, script, json.dumps({**job, "streams": streams})),
                    network,
                )
                for streams in _STREAMS
            ]
    return tuple(found)


def _check(interpreter: str) -> None:
    try:
        done = subprocess.run([interpreter, "-c", _CHECK], capture_output=True, text=True, check=False)
        reason = (done.stderr.strip().splitlines() or [""])[-1]
    except OSError as exc:
        done, reason = None, exc.strerror or str(exc)
    if done is None or done.returncode:
        raise BackendError(
            f"--vs vs-mlrt can't be run by {interpreter} ({reason}): make an environment of Python 3.12 or newer, pip "
            "install vapoursynth vapoursynth-mlrt-ov vapoursynth-bestsource there, give its python with --peer-python"
        )
