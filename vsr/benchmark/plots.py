"""Plots of a benchmark as PNG: time by row, quality against time, and the stages of each row on top of each other."""

import io
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from vsr.benchmark.figures import Row
from vsr.benchmark.run import Benchmark
from vsr.errors import BackendError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLORS = {"decode": "#4c9f70", "upscale": "#2f6fb5", "encode": "#d98032"}
_WIDTH_INCHES, _DPI = 9.0, 110


def check_plots() -> None:
    """Before anything is measured. Raises BackendError without matplotlib."""
    if find_spec("matplotlib") is None:
        raise BackendError("plots and the page need matplotlib: pip install 'vsr[bench]'; or leave out --plots, --html")


def make_plots(benchmark: Benchmark) -> dict[str, bytes]:
    """File name -> PNG; quality is left out where no network has a score."""
    rows = benchmark.rows
    plots = {
        "upscale_ms.png": _plot(len(rows), lambda axes: _upscale(axes, rows)),
        "stages.png": _plot(len(rows), lambda axes: _stages(axes, rows)),
    }
    scored = [row for row in rows if row.facts.set5_psnr_y is not None]
    if scored:
        plots["quality.png"] = _plot(8, lambda axes: _quality(axes, scored))
    return plots


def _plot(lines: int, draw: Callable[["Axes"], None]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_INCHES, 1.6 + 0.42 * lines), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure.add_subplot())
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def _upscale(axes: "Axes", rows: Sequence[Row]) -> None:
    medians = [row.upscale.ms for row in rows]
    beyond = [max(row.upscale.p95_ms - row.upscale.ms, 0) for row in rows]
    bars = axes.barh(
        [row.case.label for row in rows], medians, xerr=[[0] * len(rows), beyond], color=_COLORS["upscale"]
    )
    axes.bar_label(bars, [f" {ms:.1f}" for ms in medians], label_type="edge", padding=3)
    axes.invert_yaxis()
    axes.set_xlabel("upscale stage alone, ms a frame (line: 95th percentile)")
    axes.margins(x=0.12)


def _stages(axes: "Axes", rows: Sequence[Row]) -> None:
    """Processor time on top of each other, which is what stages on shared cores compete for; a run's time as a mark."""
    labels = [row.case.label for row in rows]
    start = [0.0] * len(rows)
    for name in ("decode", "upscale", "encode"):
        times = [getattr(row, name).cpu_ms for row in rows]
        axes.barh(labels, times, left=start, color=_COLORS[name], label=f"{name}, processor time")
        start = [before + more for before, more in zip(start, times, strict=True)]
    whole = [row.with_encoder.timing.ms for row in rows]
    axes.plot(whole, labels, "D", color="black", markersize=5, label="all at once, wall clock")
    axes.invert_yaxis()
    axes.set_xlabel("ms a frame")
    axes.legend(fontsize="small", ncol=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _quality(axes: "Axes", rows: Sequence[Row]) -> None:
    """A series for each way to run a network, its points named by the network where they are fastest."""
    series: dict[str, list[Row]] = {}
    for row in rows:
        case = row.case
        series.setdefault(f"{case.width}x{case.height} {case.backend} {case.precision}", []).append(row)
    for name, members in series.items():
        axes.plot([row.upscale.ms for row in members], [_set5(row) for row in members], "o", label=name)
    for network in dict.fromkeys(row.case.network for row in rows):
        fastest = min((row for row in rows if row.case.network == network), key=lambda row: row.upscale.ms)
        place = (fastest.upscale.ms, _set5(fastest))
        axes.annotate(network, place, xytext=(0, 7), textcoords="offset points", ha="center", fontsize="small")
    axes.set_xlabel("upscale stage alone, ms a frame")
    axes.set_ylabel("PSNR of Y on Set5, dB")
    axes.margins(x=0.12, y=0.2)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")


def _set5(row: Row) -> float:
    return row.facts.set5_psnr_y or 0.0
