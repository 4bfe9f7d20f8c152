"""Names and tags that would command a terminal, or that are no text at all, are shown in one line and not obeyed."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.hostile.conftest import Vsr
from tests.io.making import Recipe, make
from vsr.benchmark import measuring, run
from vsr.cli.app import main
from vsr.io.still import write_rgb

_CLEAR = "\x1b[2J\x1b]0;owned\x07"


@pytest.mark.parametrize(
    "name", [f"a{_CLEAR}.mp4", "a\nvsr: note: all is well.mp4", "a\u202egnp.mp4", "a\r.mp4", "ä 字.mp4"]
)
def test_a_name_is_shown_in_one_line(
    name: str, tmp_path: Path, vsr: Vsr, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = vsr("run", name, "out.mkv", "--network", "bicubic")
    assert "does not exist" in said.line
    make(tmp_path / "plain.mp4", Recipe(metadata={"title": _CLEAR})).rename(name)
    with pytest.raises(SystemExit) as left:
        main(["run", name, f"out {name}", "--network", "bicubic"])
    assert left.value.code == 0
    with pytest.raises(SystemExit):
        main(["info", name])
    shown = capfd.readouterr()
    for text in (said.line, shown.out, shown.err):
        assert all(one.isprintable() or one == "\n" for one in text)
    assert "note: all is well" not in [line[:17] for line in shown.err.splitlines()]


_COMMANDS: dict[str, tuple[str, ...]] = {
    "eval": ("eval", "--data", "{folder}", "--network", "bicubic"),
    "eval of several": ("eval", "--data", "{folder}", "--network", "bicubic", "--scale", "2", "--scale", "3"),
    "eval as Markdown": ("eval", "--data", "{folder}", "--network", "bicubic", "--markdown", "-"),
    "eval of a video": ("eval", "--video", "{video}", "--network", "bicubic"),
    "bench": ("bench", "--input", "{video}", "--network", "bicubic", "--backend", "torch", "--frames", "2",
              "--rounds", "1"),
    "export": ("export", "{name}.onnx", "--network", "bicubic"),
    "train": ("train", "--recipe", "{name}.toml", "--data", "{folder}", "--eval", "{folder}", "--out", "{name}"),
}  # fmt: skip
_RECIPE = """
network = "lrsrn"
scale = 2
options = { expand = 4 }
stages = [{ steps = 1, lr = 1e-3, batch = 1, patch = 12 }]
"""


@pytest.mark.parametrize("command", _COMMANDS)
def test_other_commands_show_names_and_obey_none(
    command: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "measure_apart", measuring.measure)  # a process for each takes seconds to start
    name = f"[red]{_CLEAR}"
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Path(name).mkdir()
    write_rgb(tmp_path / name / f"{name}.png", noise)
    make(tmp_path / "plain.mkv", Recipe(pts=range(0, 2048, 512))).rename(f"{name}.mkv")
    Path(f"{name}.toml").write_text(_RECIPE, encoding="utf-8")
    places = {"name": name, "folder": name, "video": f"{name}.mkv"}
    capfd.readouterr()
    with pytest.raises(SystemExit) as left:
        main([word.format(**places) for word in _COMMANDS[command]])
    said = capfd.readouterr()
    shown = said.out + said.err
    assert left.value.code == 0, shown
    assert all(one.isprintable() or one == "\n" for one in shown)
    assert "[red]" in shown


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes there")
def test_a_name_that_is_no_text(tmp_path: Path, vsr: Vsr, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"a\xff\xfe.mp4")
    make(tmp_path / "plain.mp4").rename(name)
    assert vsr("run", name, f"out {name}", "--network", "bicubic").code == 0
    assert Path(f"out {name}").is_file()
    assert "does not exist" in vsr("run", f"other {name}", "out.mp4").line
