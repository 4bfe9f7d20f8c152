"""One round of one case, in a process of its own, so that its memory, threads and first frame are its own too.

    python -m vsr.benchmark.measuring < case.json

reads a Case and prints a Sample, both as JSON.
"""

import json
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from vsr.allocator import keep_freed_memory
from vsr.batching import batch
from vsr.benchmark import stages
from vsr.benchmark.cases import Case
from vsr.benchmark.roof import measure_roof
from vsr.benchmark.stages import Together, Workbench
from vsr.benchmark.timing import Timing
from vsr.errors import BackendError, DeviceMemoryError, VsrError
from vsr.io.source import VideoSource
from vsr.io.target import resolve
from vsr.notices import Notices
from vsr.pipeline import open_upscaler
from vsr.plan import make_plan
from vsr.spec import PipelineSpec


@dataclass(frozen=True)
class Sample:
    """What one round measured."""

    device: str
    load_ms: float
    """From the spec to a loaded upscaler: weights read, the network compiled or its artefact taken from the cache."""
    first_frame_ms: float
    """The first call after that, which on some backends compiles too."""
    start_s: float | None
    """From the start of the process to the first upscaled frame, Python's imports included; None within one."""
    decode: Timing
    upscale: Timing
    encode: Timing
    without_encoder: Together
    with_encoder: Together
    roof_gflops: float | None
    """GFLOP/s of plain 3x3 convolutions; None where the network has none or the stacks can't be run."""
    roof_refused: str | None
    peak_host_bytes: int | None
    """Resident memory of the process through both whole runs; None where the system does not tell."""
    peak_device_bytes: int | None
    """Memory of the GPU taken through both whole runs; None on a CPU."""
    pcie_bytes: int
    """Of the planes that cross to the device and back for each frame; 0 where the device is the CPU."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Sample":
        """Back from ``dataclasses.asdict``."""
        plain = dict(values)
        for name in ("decode", "upscale", "encode"):
            plain[name] = Timing(**plain[name])
        for name in ("without_encoder", "with_encoder"):
            plain[name] = Together(**{**plain[name], "timing": Timing(**plain[name]["timing"])})
        return cls(**plain)


def measure(case: Case, started_at_s: float | None = None) -> Sample:
    """One round of ``case``. ``started_at_s`` is when its process was started (Unix time). Raises VsrError."""
    keep_freed_memory()
    with tempfile.TemporaryDirectory(prefix="vsr-bench-") as folder:
        used_before = _device_bytes(case)
        began = time.perf_counter()
        bench = _open(case.pipeline(str(Path(folder) / "out.mkv")))
        with bench.upscaler:
            load_ms = 1e3 * (time.perf_counter() - began)
            first_frame_ms, crossing = _first_frame(bench)
            start_s = None if started_at_s is None else time.time() - started_at_s
            without_encoder, with_encoder = stages.without_encoder(bench), stages.with_encoder(bench)
            host_bytes, used = peak_host_bytes(), _device_bytes(case)
            decode, upscale = stages.decode_alone(bench), stages.upscale_alone(bench)
            encode = stages.encode_alone(bench)
        if bench.upscaler.stepped_down:
            raise DeviceMemoryError(f"{bench.upscaler.device} has not memory enough for this case")
        roof, refused = _roof(case, bench)
        return Sample(
            device=bench.upscaler.device,
            load_ms=load_ms,
            first_frame_ms=first_frame_ms,
            start_s=start_s,
            decode=decode,
            upscale=upscale,
            encode=encode,
            without_encoder=without_encoder,
            with_encoder=with_encoder,
            roof_gflops=roof,
            roof_refused=refused,
            peak_host_bytes=host_bytes,
            peak_device_bytes=None if used is None or used_before is None else used - used_before,
            pcie_bytes=0 if case.device == "cpu" else crossing,
        )


def _open(spec: PipelineSpec) -> Workbench:
    """As ``vsr.pipeline.run`` does it."""
    target = resolve(spec)
    with VideoSource(spec, Notices(), video_only=True) as source:
        plan = make_plan(spec, source.info, target, Notices())
    return Workbench(spec, plan, target, open_upscaler(plan, Notices(), hold=spec.write_ahead + 2))


def _first_frame(bench: Workbench) -> tuple[float, int]:
    """Milliseconds of the first call, and the bytes of a frame's planes before and after it."""
    with bench.source() as source:
        first = next(batch(iter(source), 1))
    began = time.perf_counter()
    upscaled = next(bench.upscaler([first]))
    taken_ms = 1e3 * (time.perf_counter() - began)
    return taken_ms, sum(plane.nbytes for plane in (*first.planes, *upscaled.planes))


def _roof(case: Case, bench: Workbench) -> tuple[float | None, str | None]:
    try:
        return measure_roof(case, bench.plan.network.loaded.network), None
    except BackendError as error:
        return None, str(error)


def peak_host_bytes() -> int | None:
    """Most memory that this process has held, None where the system doesn't tell.

    ``getrusage`` is no answer: Linux counts in it what held the process before ``exec``, the peak of its parent.
    """
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    return None


def _device_bytes(case: Case) -> int | None:
    """Memory of the GPU in use, by whomever: vsr's libraries don't all take it through torch."""
    if not case.device.startswith("cuda"):
        return None
    free, total = torch.cuda.mem_get_info(case.device)
    return total - free


def main() -> int:
    """Measure the case on standard input; an error is printed as JSON too, for the process that asked."""
    job = json.load(sys.stdin)
    try:
        print(json.dumps(asdict(measure(Case(**job["case"]), job["started_at_s"]))))
    except VsrError as error:
        print(json.dumps({"error": type(error).__name__, "message": str(error)}))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
