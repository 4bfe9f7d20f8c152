"""Which peers are run on which clips."""

from collections.abc import Sequence
from pathlib import Path

from vsr.benchmark.cases import Case
from vsr.benchmark.clips import Clip
from vsr.benchmark.peers import ffmpeg_lanczos, opencv, vs_mlrt
from vsr.benchmark.peers.contender import Contender
from vsr.benchmark.spec import BenchSpec


def make_contenders(
    spec: BenchSpec, clips: Sequence[Clip], cases: Sequence[Case], folder: Path
) -> tuple[Contender, ...]:
    """What ``spec.peers`` run; files that they need go to ``folder``. Raises VsrError where one is not installed."""
    makers = {
        "ffmpeg-lanczos": lambda: ffmpeg_lanczos.contenders(clips, spec.scale),
        "opencv": lambda: opencv.contenders(clips, spec.peer_model, spec.scale),
        "vs-mlrt": lambda: vs_mlrt.contenders(clips, cases, spec.peer_python, folder),
    }
    return tuple(contender for name in dict.fromkeys(spec.peers) for contender in makers[name]())
