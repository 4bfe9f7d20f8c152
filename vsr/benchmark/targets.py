"""What the project asks of its own speed, held against a benchmark's JSON: the table at the end of ``scripts/bench``.

    python -m vsr.benchmark.targets cpu|gpu BENCH.json

prints a Markdown table of asked, measured and reached. Figures are judged by people: the exit code says nothing.
"""

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Results = dict[str, Any]
"""What ``vsr.benchmark.run.as_dict`` gives."""


@dataclass(frozen=True)
class Target:
    """One figure that is asked for."""

    what: str
    asked: float
    measured: float | None
    """None: the benchmark did not measure it."""
    at_most: bool = False
    """True where less is better."""

    @property
    def reached(self) -> bool:
        """Whether the figure was measured and is good enough."""
        if self.measured is None:
            return False
        return self.measured <= self.asked if self.at_most else self.measured >= self.asked


def cpu_targets(results: Results) -> tuple[Target, ...]:
    """Of 960x540 at x2 on shared cores, bf16 with OpenVINO where nothing else is said; other sizes are let be."""
    rows = [row for row in _of_size(results["rows"], 960, 540) if row["case"]["precision"] == "bf16"]
    networks = {row["case"]["network"]: row for row in rows}
    lrsrn = networks.get("lrsrn")
    peers = [peer for peer in results["peers"] if (peer["width"], peer["height"]) == (960, 540)]
    peer_fps = _most(
        peer["timing"]["fps"] for peer in peers if peer["peer"] == "vs-mlrt" and peer["network"] == "lrsrn"
    )
    lrsrn_fps, realtime_fps = (_figure(networks.get(name), _null_fps) for name in ("lrsrn", "realtime"))
    lrsrn_ms, lrsrn_set5 = _figure(lrsrn, _upscale_ms), _figure(lrsrn, _set5)
    targets = [
        Target("lrsrn: share of the roof of 3x3 convolutions", 0.65, _figure(lrsrn, lambda row: row["share_of_roof"])),
        Target("lrsrn: end to end over vs-mlrt with the same weights", 1.5, _over(lrsrn_fps, peer_fps)),
        Target("realtime: end to end over vs-mlrt with LRSRN", 3, _over(realtime_fps, peer_fps)),
        Target("every network: share of the ideal, nothing encoded", 0.9, _least(rows, _share("without_encoder"))),
        Target("every network: share of the ideal, into a file", 0.9, _least(rows, _share("with_encoder"))),
        Target("realtime: fps into a file", 25, _figure(networks.get("realtime"), _file_fps)),
        Target("every network: seconds to the first frame", 2, _most(_values(rows, _start_s)), at_most=True),
    ]
    for name, share, psnr_y in (("realtime", 0.35, 36.9), ("fast", 0.6, 37.2), ("balanced", 1.0, lrsrn_set5 or 0.0)):
        row = networks.get(name)
        took = _over(_figure(row, _upscale_ms), lrsrn_ms)
        targets.append(Target(f"{name}: upscale time over LRSRN's", share, took, at_most=True))
        targets.append(Target(f"{name}: PSNR of Y on Set5, dB", psnr_y, _figure(row, _set5)))
    targets += [
        Target(f"{ratio['row']}: faster than {ratio['over']}", 1.25, 1 / ratio["upscale_time"])
        for ratio in results["ratios"]
        if ratio["kind"] == "precision" and ratio["row"].endswith("int8") and "960x540" in ratio["row"]
    ]
    return tuple(targets)


def gpu_targets(results: Results) -> tuple[Target, ...]:
    """Of 1920x1080 at x2, planes in to planes out in the host's memory, the fastest backend."""
    rows = _of_size(results["rows"], 1920, 1080)

    def fastest(network: str) -> float | None:
        return _most(row["upscale"]["fps"] for row in rows if row["case"]["network"] == network)

    of_slowest = _least(rows, lambda row: row["with_encoder"]["share_of_slowest"])
    return (
        Target("lrsrn: fps of the upscale stage", 800, fastest("lrsrn")),
        Target("realtime: fps of the upscale stage", 1500, fastest("realtime")),
        Target("every row: end to end into a file over the slowest stage alone", 0.95, of_slowest),
    )


def table(targets: Iterable[Target]) -> str:
    """As Markdown."""
    lines = ["| what | asked | measured | reached |", "| --- | ---: | ---: | --- |"]
    for target in targets:
        sign = "<=" if target.at_most else ">="
        measured = "not measured" if target.measured is None else f"{target.measured:.4g}"
        lines.append(f"| {target.what} | {sign} {target.asked:g} | {measured} | {'yes' if target.reached else 'no'} |")
    return "\n".join(lines)


def _of_size(rows: Iterable[Results], width: int, height: int) -> list[Results]:
    return [row for row in rows if (row["case"]["width"], row["case"]["height"]) == (width, height)]


def _figure(row: Results | None, take: Callable[[Results], float | None]) -> float | None:
    return None if row is None else take(row)


def _values(rows: Iterable[Results], take: Callable[[Results], float | None]) -> list[float]:
    return [value for value in map(take, rows) if value is not None]


def _least(rows: Iterable[Results], take: Callable[[Results], float | None]) -> float | None:
    return min(_values(rows, take), default=None)


def _most(values: Iterable[float]) -> float | None:
    return max(values, default=None)


def _over(value: float | None, other: float | None) -> float | None:
    return None if value is None or not other else value / other


def _null_fps(row: Results) -> float:
    return float(row["without_encoder"]["timing"]["fps"])


def _file_fps(row: Results) -> float:
    return float(row["with_encoder"]["timing"]["fps"])


def _upscale_ms(row: Results) -> float:
    return float(row["upscale"]["ms"])


def _set5(row: Results) -> float | None:
    value: float | None = row["facts"]["set5_psnr_y"]
    return value


def _start_s(row: Results) -> float | None:
    value: float | None = row["start_s"]
    return value


def _share(whole: str) -> Callable[[Results], float | None]:
    return lambda row: row[whole]["share_of_ideal"]


def main(kind: str, path: str) -> None:
    """Print the table."""
    results = json.loads(Path(path).read_text(encoding="utf-8"))
    print(table({"cpu": cpu_targets, "gpu": gpu_targets}[kind](results)))


if __name__ == "__main__":
    main(*sys.argv[1:])
