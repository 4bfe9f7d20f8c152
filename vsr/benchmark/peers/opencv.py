"""OpenCV's dnn_superres with a network in its own format, on frames that OpenCV decodes.

python -m vsr.benchmark.peers.opencv CLIP MODEL
"""

import importlib
import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vsr.benchmark.clips import Clip
from vsr.benchmark.peers.contender import Contender
from vsr.errors import BackendError, UsageError

_MODEL = re.compile(r"(edsr|espcn|fsrcnn|lapsrn)(?:-small)?_x([2348])\.pb", re.IGNORECASE)


def contenders(clips: Sequence[Clip], model: Path | None, scale: int) -> tuple[Contender, ...]:
    """One for each clip. Raises UsageError without a fitting ``model``, BackendError without the package."""
    if model is None or not model.is_file():
        raise UsageError(
            f"--vs opencv needs a network in OpenCV's format, such as FSRCNN_x2.pb; --peer-model is {model}"
        )
    _, fits = _read_name(model)
    if fits != scale:
        raise UsageError(f"--peer-model {model} upscales by {fits}, the benchmark by {scale}; give another or --scale")
    _opencv()
    command = (sys.executable, "-m", "vsr.benchmark.peers.opencv")
    return tuple(
        Contender("opencv", model.stem, clip.info.width, clip.info.height, (*command, str(clip.path), str(model)))
        for clip in clips
    )


def _read_name(model: Path) -> tuple[str, int]:
    """OpenCV wants the algorithm and the scale beside the file, whose usual name says both."""
    match = _MODEL.fullmatch(model.name)
    if match is None:
        raise UsageError(f"--peer-model {model} does not say its network and scale; name it as FSRCNN_x2.pb is named")
    return match[1].lower(), int(match[2])


def _opencv() -> Any:
    """The module cv2; BackendError where it is missing or made without its contributed modules."""
    cure = "pip install opencv-contrib-python-headless, in the place of any other OpenCV package"
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError as exc:
        raise BackendError(f"--vs opencv needs OpenCV ({exc}): {cure}") from exc
    if not hasattr(getattr(cv2, "dnn_superres", None), "DnnSuperResImpl_create"):
        raise BackendError(f"--vs opencv needs dnn_superres, which this OpenCV {cv2.__version__} lacks: {cure}")
    return cv2


def main(path: str, model: Path) -> None:
    """One frame after the other, as OpenCV's users write it; the first one warms up."""
    cv2 = _opencv()
    network = cv2.dnn_superres.DnnSuperResImpl_create()
    network.readModel(str(model))
    network.setModel(*_read_name(model))
    _, first = cv2.VideoCapture(path).read()
    network.upsample(first)
    capture, laps_s = cv2.VideoCapture(path), []
    cpu_s, began_s = time.process_time(), time.perf_counter()
    while True:
        there, frame = capture.read()
        if not there:
            break
        network.upsample(frame)
        laps_s.append(time.perf_counter() - began_s)
    times = {"wall_s": time.perf_counter() - began_s, "cpu_s": time.process_time() - cpu_s, "laps_s": laps_s}
    print(json.dumps(times))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
