"""Tables, plots and the page of a made-up benchmark."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.benchmark.making import benchmark
from vsr.benchmark import plots
from vsr.benchmark.page import page
from vsr.benchmark.plots import make_plots
from vsr.benchmark.tables import markdown, notes, tables
from vsr.benchmark.writing import Outputs
from vsr.errors import BackendError, SinkError

PNG = b"\x89PNG\r\n\x1a\n"


def test_every_table_has_a_cell_for_each_column() -> None:
    found = tables(benchmark())
    assert len(found) == 12
    assert all(len(row) == len(table.columns) for table in found for row in table.rows)


def test_tables_without_rows_are_left_out() -> None:
    titles = [table.title for table in tables(benchmark(peers=(), ratios=()))]
    assert not any("Peers" in title or "Ratios" in title for title in titles)


def test_markdown_has_the_figures() -> None:
    text = markdown(benchmark())
    assert "| lrsrn x2 960x540 torch bf16 | 40.0 | 40.0 | 25.0 | 50.0 | 75.0 | 0.84 |" in text
    assert "| lrsrn x2 960x540 torch bf16 | 33.3 | 33.3 | 0.90 | 0.67 | upscale |" in text
    assert "| lrsrn x2 960x540 torch bf16 | 20.00 | 20.00 | 20.00 | 40.00 | 60.00 | 40.00 |" in text
    assert "| lrsrn x2 960x540 torch bf16 | 51.84 | 2592 | 4000 | 0.65 |" in text
    assert "- not measured: torch int8: the torch backend has no int8" in text


def test_notes_name_fresh_weights_and_missing_roofs() -> None:
    plain = benchmark()
    refused = replace(plain.rows[0], roof_refused="no int8 stack")
    said = "\n".join(notes(replace(plain, rows=(refused, plain.rows[1]))))
    assert "realtime has fresh weights" in said
    assert "lrsrn has fresh weights" not in said
    assert "no roof for lrsrn x2 960x540 torch bf16: no int8 stack" in said


def test_quality_is_plotted_only_where_there_are_scores() -> None:
    pytest.importorskip("matplotlib")
    plain = benchmark()
    drawn = make_plots(plain)
    assert sorted(drawn) == ["quality.png", "stages.png", "upscale_ms.png"]
    assert all(content.startswith(PNG) for content in drawn.values())
    assert sorted(make_plots(replace(plain, rows=plain.rows[1:]))) == ["stages.png", "upscale_ms.png"]


class Elements(HTMLParser):
    """Names, attributes and text of a page."""

    def __init__(self, content: str):
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_in_itself() -> None:
    content = page(benchmark(), {"a.png": PNG})
    elements = Elements(content)
    assert not elements.tags & {"script", "link", "iframe", "object", "embed", "form", "a"}
    loaded = [value for name, value in elements.attributes if name in {"src", "href", "srcset"}]
    assert loaded == [f"data:image/png;base64,{base64.b64encode(PNG).decode()}"]
    (style,) = re.findall(r"<style>(.*?)</style>", content, re.DOTALL)
    assert not re.search(r"url\(|@import", style)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in content
    assert "default-src 'none'" in content


def test_text_from_outside_stays_text() -> None:
    hostile = benchmark(clips=("<script>alert(1)</script>", "$style"))
    elements = Elements(page(hostile, {}))
    assert "script" not in elements.tags
    assert "<script>alert(1)</script>" in elements.text
    assert "A <fast> & wide CPU" in elements.text
    assert "$style" in elements.text


def test_what_is_asked_for_is_written_and_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    asked = Outputs(tmp_path / "b.json", tmp_path / "b.md", tmp_path / "b.html", tmp_path / "plots")
    asked.check()
    asked.write(benchmark())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.html", "b.json", "b.md", "plots"]
    assert len(list((tmp_path / "plots").iterdir())) == 3
    Outputs().write(benchmark())


@pytest.mark.parametrize("option", ["json", "markdown", "html", "plots"])
def test_an_unwritable_place_is_refused_before_measuring(tmp_path: Path, option: str) -> None:
    with pytest.raises(SinkError, match="does not exist or is not writable"):
        Outputs(**{option: tmp_path / "absent" / "file"}).check()


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="it is a folder"):
        Outputs(json=tmp_path).check()


def test_without_matplotlib_plots_are_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plots, "find_spec", lambda _: None)
    with pytest.raises(BackendError, match=r"pip install 'vsr\[bench\]'"):
        Outputs(plots=tmp_path / "plots").check()
    Outputs(json=tmp_path / "b.json").check()
