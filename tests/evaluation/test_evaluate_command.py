"""``vsr eval``: its JSON, its table and its refusals."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from vsr.cli.evaluate import evaluate
from vsr.errors import BackendError, NetworkError, SinkError, SourceError, UsageError, VsrError
from vsr.evaluation.benchmark import evaluate_folder
from vsr.io.still import write_rgb
from vsr.networks import load

app = typer.Typer()
app.command("eval")(evaluate)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "images"
    data.mkdir()
    y, x = np.mgrid[0:48, 0:52]
    for name, step in (("one", 6), ("two", 9)):
        bars = ((x // step + y // step) % 2 * 180 + 40).astype(np.uint8)
        write_rgb(data / f"{name}.png", np.stack([bars, bars // 2, 255 - bars], axis=-1))
    return data


def test_json_alone_goes_to_stdout(folder: Path) -> None:
    result = CliRunner().invoke(app, ["--network", "lrsrn", "--scale", "2", "--data", str(folder), "--json", "-"])
    assert result.exit_code == 0, result.output
    table = json.loads(result.stdout)
    loaded = load("lrsrn", 2)
    wanted = evaluate_folder(loaded.network, folder)
    assert table["psnr_y"] == pytest.approx(wanted.psnr_y)
    assert table["ssim_y"] == pytest.approx(wanted.ssim_y)
    assert table["images"] == [
        {"name": image.name, "psnr_y": pytest.approx(image.psnr_y), "ssim_y": pytest.approx(image.ssim_y)}
        for image in wanted.images
    ]
    assert (table["network"], table["scale"], table["parameters"]) == ("lrsrn", 2, 41_356)
    assert (table["weights"], table["weights_sha256"]) == (loaded.weights_name, loaded.sha256)
    assert (table["data"], table["track"], table["published"]) == (str(folder), "clean", None)
    assert result.stderr == ""


def test_table_and_json_file_agree(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    result = CliRunner().invoke(app, ["--network", "bicubic", "--data", str(folder), "--json", str(path)])
    assert result.exit_code == 0, result.output
    table = json.loads(path.read_text())
    assert table["weights"] is None
    for name, value in [("mean", table["psnr_y"]), *((image["name"], image["psnr_y"]) for image in table["images"])]:
        assert any(name in line and f"{value:.2f}" in line for line in result.stdout.splitlines())


def test_identical_images_are_valid_json_without_infinity(tmp_path: Path) -> None:
    write_rgb(tmp_path / "flat.png", np.full((40, 40, 3), 77, np.uint8))
    result = CliRunner().invoke(app, ["--network", "bicubic", "--data", str(tmp_path), "--json", "-"])
    assert json.loads(result.stdout)["psnr_y"] is None
    table = CliRunner().invoke(app, ["--network", "bicubic", "--data", str(tmp_path)])
    assert "identical" in table.stdout


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (["--data", "absent"], SourceError, "it does not exist"),
        (["--data", "file.txt"], SourceError, "it is a file"),
        (["--data", "empty"], SourceError, "no images in empty"),
        (["--data", "damaged"], SourceError, "can't read image damaged/x.png"),
        (["--data", "images", "--network", "srgan"], NetworkError, "no network 'srgan'"),
        (["--data", "images", "--scale", "7"], NetworkError, "no scale 7"),
        (["--data", "images", "--weights", "absent.safetensors"], NetworkError, "no weights 'absent.safetensors'"),
        (["--data", "images", "--network", "bicubic", "--json", "absent/s.json"], SinkError, "can't write absent"),
        (["--data", "images", "--markdown", "absent/s.md"], SinkError, "can't write absent/s.md"),
        (["--data", "images", "--json", "images"], SinkError, "can't write images"),
        (["--data", "images", "--json", "-", "--markdown", "-"], UsageError, "both want standard output"),
        (["--data", "images", "--device", "npu"], BackendError, "no device 'npu'"),
        (["--data", "images", "--network", "all", "--weights", "x.safetensors"], UsageError, "fits one network"),
        ([], UsageError, "nothing to evaluate"),
        (["--video", "absent"], SourceError, "absent does not exist"),
        (["--video", "tiny", "--network", "bicubic"], SourceError, "can't score tiny"),
        (["--video", "empty"], SourceError, "no images in empty"),
        (["--video", "images", "--crf", "good"], UsageError, "--crf is 'good'"),
        (["--video", "images", "--codec", "hevc"], UsageError, "give --crf"),
        (["--video", "images", "--frames", "0"], UsageError, "--frames is 0"),
        (["--time", "4k"], UsageError, "--time is '4k'"),
    ],
)
def test_refusals_are_one_clear_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], kind: type[VsrError], message: str
) -> None:
    monkeypatch.chdir(folder.parent)
    Path("file.txt").write_text("text")
    Path("empty").mkdir()
    Path("tiny").mkdir()
    write_rgb(Path("tiny/x.png"), np.zeros((3, 40, 3), np.uint8))
    Path("damaged").mkdir()
    Path("damaged/x.png").write_bytes(b"no image")
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, kind)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)


def test_unknown_precision_is_refused_with_the_choices(folder: Path) -> None:
    result = CliRunner().invoke(app, ["--data", str(folder), "--precision", "int4"])
    assert result.exit_code == 2
    assert "bfloat16" in result.output


def test_several_networks_folders_and_tracks_make_one_table(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "Set5"
    shutil.copytree(folder, other)
    arguments = ["--data", str(folder), "--data", str(other), "--network", "lrsrn", "--network", "bicubic"]
    arguments += ["--track", "clean", "--track", "jpeg", "--scale", "2", "--scale", "3"]
    paths = [tmp_path / "table.json", tmp_path / "table.md"]
    result = CliRunner().invoke(app, [*arguments, "--json", str(paths[0]), "--markdown", str(paths[1])])
    assert result.exit_code == 0, result.output
    table = json.loads(paths[0].read_text())
    runs = {(run["network"], run["scale"], run["track"], Path(run["data"]).name): run for run in table["images"]}
    assert len(runs) == len(table["images"]) == 16
    assert runs["lrsrn", 2, "jpeg", "Set5"]["published"]["psnr_y"] == 33.92
    assert runs["lrsrn", 2, "clean", "Set5"]["published"] is None
    assert runs["lrsrn", 2, "jpeg", "images"]["published"] is None
    assert runs["lrsrn", 2, "jpeg", "Set5"]["psnr_y"] != runs["lrsrn", 2, "clean", "Set5"]["psnr_y"]
    assert [(one["network"], one["scale"]) for one in table["networks"]] == [
        (network, scale) for scale in (2, 3) for network in ("lrsrn", "bicubic")
    ]
    assert table["networks"][0]["gmac_to_4k"] == pytest.approx(85.7, abs=0.1)
    text = paths[1].read_text()
    assert text == result.stdout
    clean, jpeg = section(text, "Images, clean, x2"), section(text, "Images, jpeg, x2")
    assert "33.92" in jpeg
    assert "33.92" not in clean
    assert "33.66" in clean  # bicubic's
    for part, track in ((clean, "clean"), (jpeg, "jpeg")):
        assert (
            f"{runs['lrsrn', 2, track, 'Set5']['psnr_y']:.2f} / {runs['lrsrn', 2, track, 'Set5']['ssim_y']:.4f}" in part
        )
        rows = [line for line in part.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) == 1
        assert [row.split("|")[1].strip() for row in rows[2:]] == [load("lrsrn", 2).weights_name, "bicubic_x2"]
    assert "LRSRN" in section(text, "Sources of the published scores")


def section(text: str, title: str) -> str:
    """What stands below a heading."""
    return text.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_videos_are_scored_at_every_rate_factor(tmp_path: Path) -> None:
    clip = tmp_path / "clip"
    clip.mkdir()
    y, x = np.mgrid[0:64, 0:96]
    for t in range(4):
        grey = (128 + 100 * np.sin((x - 2 * t) / 5) * np.cos(y / 6)).astype(np.uint8)
        write_rgb(clip / f"{t}.png", np.stack([grey] * 3, axis=-1))
    arguments = ["--video", str(clip), "--network", "bicubic", "--crf", "none,20,40", "--frames", "3", "--tof"]
    path = tmp_path / "table.json"
    result = CliRunner().invoke(app, [*arguments, "--time", "32x18", "--json", str(path)])
    assert result.exit_code == 0, result.output
    table = json.loads(path.read_text())
    assert [run["coding"] and run["coding"]["quality"] for run in table["videos"]] == [None, 20, 40]
    scores = [run["psnr_y"] for run in table["videos"]]
    assert scores == sorted(scores, reverse=True)
    assert all(len(run["frames"]) == 3 for run in table["videos"])
    assert all(run["temporal_error"] > 0 and run["tof"] > 0 for run in table["videos"])
    timing = table["networks"][0]["timing"]
    assert timing["ms"] > 0
    assert f"| bicubic_x2 | 0 | 0.2 | {timing['ms']:.1f} |" in section(result.stdout, "Cost, x2")
    part = section(result.stdout, "Video clip, x2")
    assert f"| bicubic_x2 | h264 | 40 | {scores[2]:.2f} |" in part
    assert f"| {table['videos'][2]['tof']:.3f} |" in part
    assert "frame of 32x18" in result.stdout
