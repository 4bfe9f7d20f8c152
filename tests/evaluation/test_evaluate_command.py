"""``vsr eval``: its JSON, its table and its refusals."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from vsr.cli.evaluate import evaluate
from vsr.errors import NetworkError, SinkError, SourceError, VsrError
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
    assert (table["weights"], table["weights_sha256"]) == ("lrsrn_x2_clean", loaded.sha256)
    assert table["data"] == str(folder)


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
    ],
)
def test_refusals_are_one_clear_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], kind: type[VsrError], message: str
) -> None:
    monkeypatch.chdir(folder.parent)
    Path("file.txt").write_text("text")
    Path("empty").mkdir()
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
