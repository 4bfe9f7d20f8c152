"""A benchmark's whole way: clips are made, cases and peers measured in turns, figures drawn from all rounds."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vsr.benchmark.cases import Case, make_matrix
from vsr.benchmark.clips import make_clips
from vsr.benchmark.figures import Row, StageFigures, make_row, stage_figures
from vsr.benchmark.measuring import Sample
from vsr.benchmark.peers.choosing import make_contenders
from vsr.benchmark.peers.contender import Contender
from vsr.benchmark.processes import measure_apart
from vsr.benchmark.ratios import Ratio, make_ratios
from vsr.benchmark.spec import BenchSpec
from vsr.benchmark.timing import Timing
from vsr.errors import BackendError, NetworkError
from vsr.machine import examine


@dataclass(frozen=True)
class PeerRow:
    """A peer, end to end without an encoder."""

    contender: Contender
    timing: StageFigures


@dataclass(frozen=True)
class Benchmark:
    """Everything that was measured, and on what."""

    spec: BenchSpec
    machine: dict[str, Any]
    """As ``vsr doctor`` tells it."""
    clips: tuple[str, ...]
    """In words."""
    rows: tuple[Row, ...]
    peers: tuple[PeerRow, ...]
    ratios: tuple[Ratio, ...]
    refused: tuple[str, ...]
    """Combinations that were asked for and that this machine can't run, in words."""
    samples: tuple[tuple[Sample, ...], ...]
    """Of each row: what each round measured."""


def run_benchmark(
    spec: BenchSpec,
    tell: Callable[[str], None] = lambda _: None,
    measure: Callable[[Case], Sample] | None = None,
) -> Benchmark:
    """Measure all that ``spec`` asks for, each round of a case by ``measure``; None: in a process of its own.

    The machine's speed drifts, so each round measures every row and every peer once, one after the other. Raises
    VsrError.
    """
    facts = examine()
    machine = {**facts["machine"], "versions": facts["versions"]}
    with tempfile.TemporaryDirectory(prefix="vsr-bench-") as name:
        folder = Path(name)
        clips = make_clips(spec, folder)
        matrix = make_matrix(spec, clips, folder)
        contenders = make_contenders(spec, clips, matrix.cases, folder)
        samples: dict[Case, list[Sample]] = {case: [] for case in matrix.cases}
        timings: dict[Contender, list[Timing]] = {contender: [] for contender in contenders}
        refused = list(matrix.refused)
        for number in range(1, spec.rounds + 1):
            refused += _round(f"round {number} of {spec.rounds}", samples, timings, tell, measure or measure_apart)
    return Benchmark(
        spec=spec,
        machine=machine,
        clips=tuple(f"{clip.info.width}x{clip.info.height}: {clip.described}" for clip in clips),
        rows=tuple(
            make_row(case, matrix.facts[case.network], taken, machine["cores"]) for case, taken in samples.items()
        ),
        peers=tuple(PeerRow(contender, stage_figures(times)) for contender, times in timings.items()),
        ratios=make_ratios(list(samples.items()), list(timings.items())),
        refused=tuple(refused),
        samples=tuple(tuple(taken) for taken in samples.values()),
    )


def _round(
    name: str,
    samples: dict[Case, list[Sample]],
    timings: dict[Contender, list[Timing]],
    tell: Callable[[str], None],
    measure: Callable[[Case], Sample],
) -> list[str]:
    """Each case and each peer once more. Cases that their backend can't run are taken out; returns why."""
    refused = []
    for case in tuple(samples):
        tell(f"{name}: {case.label}")
        try:
            samples[case].append(measure(case))
        except (BackendError, NetworkError) as error:
            # One engine that can't be built is a finding too; the other rows are still wanted.
            del samples[case]
            refused.append(str(error))
            if not samples:
                raise
    for contender, times in timings.items():
        tell(f"{name}: {contender.label}")
        times.append(contender.measure())
    return refused


def as_dict(benchmark: Benchmark) -> dict[str, Any]:
    """Plain values for JSON: everything, the samples of each round too, but no path of this machine."""
    rows = [
        {
            **asdict(row),
            "case": _case(row.case),
            "label": row.case.label,
            "samples": [asdict(sample) for sample in taken],
        }
        for row, taken in zip(benchmark.rows, benchmark.samples, strict=True)
    ]
    peers = [
        {"label": peer.contender.label, "peer": peer.contender.peer, "network": peer.contender.network,
         "width": peer.contender.width, "height": peer.contender.height, "timing": asdict(peer.timing)}
        for peer in benchmark.peers
    ]  # fmt: skip
    spec = benchmark.spec
    return {
        "machine": benchmark.machine,
        "settings": {
            "scale": spec.scale, "frames": spec.frames, "rounds": spec.rounds, "batch_size": spec.batch_size,
            "codec": spec.codec, "preset": spec.encoder_preset,
        },
        "clips": list(benchmark.clips),
        "rows": rows,
        "peers": peers,
        "ratios": [asdict(ratio) for ratio in benchmark.ratios],
        "refused": list(benchmark.refused),
    }  # fmt: skip


def _case(case: Case) -> dict[str, Any]:
    return {key: value for key, value in asdict(case).items() if key not in {"clip", "weights"}}
