"""Where a benchmark's results go: checked before the first measurement, written after the last."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from vsr.benchmark.page import page
from vsr.benchmark.plots import check_plots, make_plots
from vsr.benchmark.run import Benchmark, as_dict
from vsr.benchmark.tables import markdown
from vsr.errors import SinkError
from vsr.io.durable import write_report


@dataclass(frozen=True)
class Outputs:
    """Files to write; None: not this one. Existing files are replaced."""

    json: Path | None = None
    markdown: Path | None = None
    html: Path | None = None
    plots: Path | None = None
    """A folder, made where it is missing."""

    def check(self) -> None:
        """Minutes of measuring must not end with nowhere to write them. Raises SinkError or BackendError."""
        for path in (self.json, self.markdown, self.html, self.plots):
            if path is None:
                continue
            folder = path.absolute().parent
            if not folder.is_dir() or not os.access(folder, os.W_OK):
                raise SinkError(f"can't write {path}: the folder {folder} does not exist or is not writable")
            if path is not self.plots and path.is_dir():
                raise SinkError(f"can't write {path}: it is a folder; name a file in it")
        if self.html is not None or self.plots is not None:
            check_plots()

    def write(self, benchmark: Benchmark) -> None:
        """Write all that were asked for. Raises SinkError."""
        plots = make_plots(benchmark) if self.html is not None or self.plots is not None else {}
        try:
            if self.json is not None:
                text = json.dumps(as_dict(benchmark), indent=2, allow_nan=False)
                write_report(self.json, f"{text}\n".encode())
            if self.markdown is not None:
                write_report(self.markdown, markdown(benchmark).encode())
            if self.html is not None:
                write_report(self.html, page(benchmark, plots).encode())
            if self.plots is not None:
                self.plots.mkdir(exist_ok=True)
                for name, content in plots.items():
                    write_report(self.plots / name, content)
        except OSError as exc:
            raise SinkError(f"can't write {exc.filename}: {exc.strerror or exc}; give a writable path") from exc
