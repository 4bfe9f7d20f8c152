"""A benchmark as tables of text: for the terminal, for Markdown and for the page alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from vsr.benchmark.figures import Row, StageFigures
from vsr.benchmark.run import Benchmark

NOTHING = "-"


@dataclass(frozen=True)
class TextTable:
    """Rows of cells; the first column is text, the others are numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(benchmark: Benchmark) -> tuple[TextTable, ...]:
    """Every table that has rows; few columns each, for narrow terminals."""
    rows = benchmark.rows
    found = (
        _without_encoder(rows),
        _with_encoder(rows),
        *(_stage(name, [(row, getattr(row, name)) for row in rows]) for name in ("upscale", "decode", "encode")),
        _occupancy(rows),
        _roof(rows),
        _warm_up(rows),
        _memory(rows),
        _networks(rows),
        _peers(benchmark),
        _ratios(benchmark),
    )
    return tuple(table for table in found if table.rows)


def notes(benchmark: Benchmark) -> tuple[str, ...]:
    """What has to be known to read the tables."""
    spec = benchmark.spec
    encoder = spec.codec + (f" {spec.encoder_preset}" if spec.encoder_preset else "")
    rounds = "1 round" if spec.rounds == 1 else f"{spec.rounds} rounds, one after the other over all rows"
    return (
        f"median of {rounds}; x{spec.scale}, {spec.batch_size} frame(s) at once, encoder {encoder}",
        *(f"clip {clip}" for clip in benchmark.clips),
        "ideal: no schedule on shared cores is faster than the slowest stage alone, nor than the sum of all stages' "
        "processor time over the cores",
        "roof: plain 3x3 convolutions of the network's width and the clip's size, in the same backend and precision",
        *(f"not measured: {reason}" for reason in benchmark.refused),
        *(f"no roof for {row.case.label}: {row.roof_refused}" for row in benchmark.rows if row.roof_refused),
        *(
            f"{name} has fresh weights: its speed is that of trained ones"
            for name in dict.fromkeys(row.case.network for row in benchmark.rows if row.facts.untrained)
        ),
    )


def machine_line(benchmark: Benchmark) -> str:
    """The machine in one line."""
    machine = benchmark.machine
    gpus = [gpu["name"] for gpu in machine["gpus"]]
    versions = [f"{name} {machine['versions'][name]}" for name in ("vsr", "torch", "av", "ffmpeg")]
    parts = [f"{machine['cpu']}, {machine['cores']} cores", *machine["capability"], *gpus, machine["system"], *versions]
    return ", ".join(parts)


def _without_encoder(rows: Sequence[Row]) -> TextTable:
    columns = ("decode and upscale at once", "fps", "best", "p50 ms", "p95 ms", "p99 ms", "of ideal")
    wholes = [(row.case.label, row.without_encoder) for row in rows]
    cells = ((label, *_throughput(whole.timing), f"{whole.share_of_ideal:.2f}") for label, whole in wholes)
    return TextTable("End to end, nothing encoded", columns, tuple(cells))


def _with_encoder(rows: Sequence[Row]) -> TextTable:
    columns = ("decode, upscale and encode at once", "fps", "best", "of ideal", "of slowest stage", "bottleneck")
    cells = []
    for row in rows:
        whole = row.with_encoder
        shares = f"{whole.share_of_ideal:.2f}", f"{whole.share_of_slowest:.2f}"
        fps = f"{whole.timing.fps:.1f}", f"{whole.timing.best_fps:.1f}"
        cells.append((row.case.label, *fps, *shares, whole.bottleneck))
    return TextTable("End to end, into a file", columns, tuple(cells))


def _throughput(timing: StageFigures) -> tuple[str, ...]:
    figures = (timing.fps, timing.best_fps, timing.p50_ms, timing.p95_ms, timing.p99_ms)
    return tuple(f"{figure:.1f}" for figure in figures)


def _stage(name: str, stages: Sequence[tuple[Row, StageFigures]]) -> TextTable:
    columns = (f"{name} alone", "ms", "best", "p50", "p95", "p99", "CPU ms")
    cells = []
    for row, stage in stages:
        times = (stage.ms, stage.best_ms, stage.p50_ms, stage.p95_ms, stage.p99_ms, stage.cpu_ms)
        cells.append((row.case.label, *(f"{ms:.2f}" for ms in times)))
    return TextTable(f"{name.capitalize()} alone, a frame", columns, tuple(cells))


def _occupancy(rows: Sequence[Row]) -> TextTable:
    columns = ("share of the time at work", "decode", "upscale", "decode, to file", "upscale", "encode")
    cells = []
    for row in rows:
        null, file = row.without_encoder.occupancy, row.with_encoder.occupancy
        shares = (null["decode"], null["upscale"], file["decode"], file["upscale"], file["encode"])
        cells.append((row.case.label, *(f"{share:.0%}" for share in shares)))
    return TextTable("Occupancy of the stages in a run", columns, tuple(cells))


def _roof(rows: Sequence[Row]) -> TextTable:
    columns = ("upscale stage", "GFLOP a frame", "GFLOP/s", "roof GFLOP/s", "share")
    cells = []
    for row in rows:
        reached = row.gflop / (row.upscale.ms / 1e3)
        roof = _or_nothing(row.roof_gflops, ".0f"), _or_nothing(row.share_of_roof, ".2f")
        cells.append((row.case.label, f"{row.gflop:.2f}", f"{reached:.0f}", *roof))
    return TextTable("The roof", columns, tuple(cells))


def _warm_up(rows: Sequence[Row]) -> TextTable:
    columns = ("warm-up", "load ms", "1st round", "first frame ms", "1st round", "start s")
    cells = []
    for row in rows:
        times = (row.load_ms, row.first_round_load_ms, row.first_frame_ms, row.first_round_first_frame_ms)
        cells.append((row.case.label, *(f"{ms:.0f}" for ms in times), _or_nothing(row.start_s, ".2f")))
    return TextTable("Warm-up", columns, tuple(cells))


def _memory(rows: Sequence[Row]) -> TextTable:
    columns = ("peak memory of a run", "host MiB", "device MiB", "PCIe MB a frame")
    cells = []
    for row in rows:
        taken = (None if count is None else count / 2**20 for count in (row.peak_host_bytes, row.peak_device_bytes))
        memory = (_or_nothing(count, ".0f") for count in taken)
        cells.append((row.case.label, *memory, f"{row.pcie_bytes / 1e6:.2f}"))
    return TextTable("Memory", columns, tuple(cells))


def _networks(rows: Sequence[Row]) -> TextTable:
    facts = {f"{row.case.network} x{row.case.scale}": row.facts for row in rows}
    cells = (
        (name, f"{fact.parameters:,}", f"{fact.gflop_per_pixel * 1e6:.1f}", _or_nothing(fact.set5_psnr_y, ".2f"))
        for name, fact in facts.items()
    )
    return TextTable("Networks", ("network", "parameters", "kFLOP a pixel", "Set5 dB"), tuple(cells))


def _or_nothing(value: float | None, kind: str) -> str:
    return NOTHING if value is None else f"{value:{kind}}"


def _peers(benchmark: Benchmark) -> TextTable:
    columns = ("peer", "fps", "best", "p50 ms", "p95 ms", "p99 ms")
    cells = ((peer.contender.label, *_throughput(peer.timing)) for peer in benchmark.peers)
    return TextTable("Peers, end to end, nothing encoded", columns, tuple(cells))


def _ratios(benchmark: Benchmark) -> TextTable:
    columns = ("row over another", "upscale time", "fps")
    cells = tuple(
        (f"{ratio.row} / {ratio.over}", NOTHING if ratio.upscale_time is None else f"{ratio.upscale_time:.2f}",
         f"{ratio.fps:.2f}")
        for ratio in benchmark.ratios
    )  # fmt: skip
    return TextTable("Ratios, nothing encoded", columns, cells)


def markdown(benchmark: Benchmark) -> str:
    """All tables and notes."""
    lines = ["# vsr bench", "", machine_line(benchmark), ""]
    for table in tables(benchmark):
        lines += [f"## {table.title}", "", _line(table.columns), _line(("---", *["---:"] * (len(table.columns) - 1)))]
        lines += [*(_line(row) for row in table.rows), ""]
    return "\n".join([*lines, *(f"- {note}" for note in notes(benchmark)), ""])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
