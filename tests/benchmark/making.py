"""Made-up measurements, so that the arithmetic on them can be checked."""

from dataclasses import replace
from typing import Any

from vsr.benchmark.cases import Case, NetworkFacts
from vsr.benchmark.figures import make_row, stage_figures
from vsr.benchmark.measuring import Sample
from vsr.benchmark.peers.contender import Contender
from vsr.benchmark.ratios import make_ratios
from vsr.benchmark.run import Benchmark, PeerRow
from vsr.benchmark.spec import BenchSpec
from vsr.benchmark.stages import Together
from vsr.benchmark.timing import Timing

CASE = Case("clip.mkv", 960, 540, "lrsrn", 2, "lrsrn_x2_video", "torch", "cpu", "bf16", 1, "libx264", "veryfast")
FACTS = NetworkFacts(41356, 1e-4, "rgb", "lrsrn_x2_video", untrained=False, set5_psnr_y=37.36)
LANCZOS = Contender("ffmpeg-lanczos", "x2", 960, 540, ("true",))
MACHINE = {
    "cpu": "A <fast> & wide CPU", "cores": 2, "capability": ["AVX512"], "gpus": [], "system": "Linux",
    "versions": {"vsr": "1", "torch": "2", "av": "3", "ffmpeg": "4"},
}  # fmt: skip


def timing(ms: float, cpu_ms: float | None = None, frames: int = 100) -> Timing:
    """``frames`` frames of ``ms`` each; the processor time is the wall clock unless it is given."""
    wall_s = frames * ms / 1e3
    return Timing(frames, wall_s, wall_s if cpu_ms is None else frames * cpu_ms / 1e3, ms, 2 * ms, 3 * ms)


def together(ms: float, **occupancy: float) -> Together:
    return Together(timing(ms), occupancy, max(occupancy, key=lambda name: occupancy[name]))


def sample(**changes: Any) -> Sample:
    """A round: 2 ms to decode, 20 ms to upscale, 8 ms to encode, a roof of 4000 GFLOP/s."""
    plain = Sample(
        device="a CPU",
        load_ms=100.0,
        first_frame_ms=50.0,
        start_s=1.5,
        decode=timing(2),
        upscale=timing(20, cpu_ms=40),
        encode=timing(8, cpu_ms=12),
        without_encoder=together(25, decode=0.1, upscale=0.9),
        with_encoder=together(30, decode=0.1, upscale=0.8, encode=0.3),
        roof_gflops=4000.0,
        roof_refused=None,
        peak_host_bytes=300 << 20,
        peak_device_bytes=None,
        pcie_bytes=0,
    )
    return replace(plain, **changes)


def benchmark(**changes: Any) -> Benchmark:
    """LRSRN in bf16, a network of another name, and one peer; two rounds alike."""
    cases = [CASE, replace(CASE, network="realtime", weights="made.safetensors")]
    samples = [(sample(), sample()), (sample(upscale=timing(5)), sample(upscale=timing(5)))]
    peers = [(LANCZOS, (timing(5), timing(5)))]
    facts = [FACTS, replace(FACTS, untrained=True, set5_psnr_y=None)]
    plain = Benchmark(
        spec=BenchSpec(rounds=2),
        machine=MACHINE,
        clips=("960x540: synthetic",),
        rows=tuple(make_row(*item, cores=2) for item in zip(cases, facts, samples, strict=True)),
        peers=tuple(PeerRow(contender, stage_figures(times)) for contender, times in peers),
        ratios=make_ratios(list(zip(cases, samples, strict=True)), peers),
        refused=("torch int8: the torch backend has no int8",),
        samples=tuple(samples),
    )
    return replace(plain, **changes)
