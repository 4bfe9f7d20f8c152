"""Runs under the peer's own Python, where vsr is not: VapourSynth decodes, vs-mlrt upscales, every frame is dropped.

    PYTHON vs_mlrt_script.py JOB

JOB is a JSON object: clip, network (an ONNX file, RGB floats), matrix (of H.273), precision (fp32 or bf16), streams.
Prints a JSON object: frames, wall_s, cpu_s, laps_s.
"""

import importlib
import json
import sys
import time
from typing import Any


def upscaled(job: dict[str, Any]) -> Any:
    """The clip as 4:2:0 frames of vs-mlrt's output, which are computed when they are asked for."""
    vs: Any = importlib.import_module("vapoursynth")
    matrix = vs.MatrixCoefficients(job["matrix"])
    source = vs.core.bs.VideoSource(job["clip"], cachemode=0, showprogress=False)
    rgb = vs.core.resize.Bicubic(source, format=vs.RGBS, matrix_in=matrix)
    hint = {"fp32": "f32", "bf16": "bf16"}[job["precision"]]
    larger = vs.core.ov.Model(
        rgb,
        job["network"],
        device="CPU",
        num_streams=job["streams"],
        config=lambda: {"INFERENCE_PRECISION_HINT": hint},
    )
    return vs.core.resize.Bicubic(larger, format=source.format.id, matrix=matrix)


def main() -> None:
    """Every frame once, in order, with as many requested ahead as VapourSynth likes, after a first one to warm up."""
    clip = upscaled(json.loads(sys.argv[1]))
    clip.get_frame(0).close()
    cpu_s, began_s = time.process_time(), time.perf_counter()
    laps_s = [time.perf_counter() - began_s for _ in clip.frames(close=True)]
    times = {"wall_s": time.perf_counter() - began_s, "cpu_s": time.process_time() - cpu_s, "laps_s": laps_s}
    print(json.dumps({"frames": len(laps_s), **times}))


if __name__ == "__main__":
    main()
