"""The page: one HTML file with tables, plots and style inside, which asks nothing of any network and runs no script."""

import base64
import hashlib
from html import escape
from importlib import resources
from importlib.metadata import version
from string import Template

from vsr.benchmark.run import Benchmark
from vsr.benchmark.tables import TextTable, machine_line, notes, tables


def page(benchmark: Benchmark, plots: dict[str, bytes]) -> str:
    """The whole file; ``plots`` are PNG files by name."""
    style = _part("page.css")
    sections = [*(_table(table) for table in tables(benchmark)), *(_plot(*item) for item in plots.items())]
    items = "".join(f"<li>{escape(note)}</li>" for note in notes(benchmark))
    return Template(_part("page.html")).substitute(
        # As a content security policy wants it (CSP level 3, section 2.3.1).
        style_hash="sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        style=style,
        machine=escape(machine_line(benchmark)),
        sections="\n".join([*sections, f"<section><h2>How it was measured</h2><ul>{items}</ul></section>\n"]),
        version=escape(version("vsr")),
    )


def _part(name: str) -> str:
    return (resources.files("vsr.benchmark") / "page" / name).read_text(encoding="utf-8")


def _table(table: TextTable) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in table.columns)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in table.rows)
    return f"<section><h2>{escape(table.title)}</h2><table><tr>{head}</tr>\n{rows}</table></section>"


def _plot(name: str, content: bytes) -> str:
    data = base64.b64encode(content).decode()
    return f'<section><img alt="{escape(name)}" src="data:image/png;base64,{data}"></section>'
