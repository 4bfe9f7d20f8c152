"""``vsr train``: from a folder to weights that load, and refusals before the first step."""

from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from typer.testing import CliRunner

from vsr.cli.train import train
from vsr.errors import BackendError, SinkError, SourceError, UsageError, VsrError
from vsr.evaluation.benchmark import evaluate_folder
from vsr.networks import load
from vsr.networks.weights import read_card
from vsr.training.recipe import read_recipe

app = typer.Typer()
app.command("train")(train)

RECIPE = """
network = "lrsrn"
scale = 2
seed = 3
data_note = "made by a test"

[options]
anchor = "none"
expand = 16

[[stages]]
steps = 6
lr = 1e-3
batch = 2
patch = 12
"""


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


def test_written_weights_load_and_score_what_the_card_says(
    photographs: Path, recipe_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = [
        "--recipe",
        str(recipe_file),
        "--data",
        str(photographs),
        "--eval",
        str(photographs),
        "--out",
        str(out),
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(out / "tiny.safetensors")
    loaded = load("lrsrn", 2, out / "tiny.safetensors")
    card, recipe = loaded.card, read_recipe(str(recipe_file))
    assert card is not None
    assert (card.network, card.scale, card.steps, card.seed, card.parameters) == ("lrsrn", 2, 6, 3, 41_356)
    assert (card.recipe, card.recipe_sha256) == ("tiny", recipe.sha256)
    assert card.options == {"anchor": "none", "expand": 16}
    assert (card.data["images"], card.data["note"]) == (4, "made by a test")
    assert card.torch_version == torch.__version__
    scores = evaluate_folder(loaded.network, photographs)
    assert card.scores["photographs"]["psnr_y"] == pytest.approx(scores.psnr_y, abs=1e-3)
    assert card.scores["photographs"]["ssim_y"] == pytest.approx(scores.ssim_y, abs=1e-4)


def test_a_lengthened_recipe_is_told_by_the_card(photographs: Path, recipe_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["--recipe", str(recipe_file), "--data", str(photographs), "--out", str(out), "--steps-factor", "2"]
    assert CliRunner().invoke(app, [*arguments, "--no-compile"]).exit_code == 0
    card = read_card(out / "tiny.safetensors")
    assert card is not None
    assert (card.steps, card.training) == (12, {"device": "cpu", "steps_factor": 2})
    assert card.recipe_sha256 == read_recipe(str(recipe_file)).sha256


def test_resume_of_a_finished_run_writes_the_same_weights(photographs: Path, recipe_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["--recipe", str(recipe_file), "--data", str(photographs), "--out", str(out)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    before = (out / "tiny.safetensors").read_bytes()
    assert CliRunner().invoke(app, [*arguments, "--resume"]).exit_code == 0
    assert (out / "tiny.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"--recipe": "absent"}, UsageError, "no recipe 'absent'"),
        ({"--data": "absent"}, SourceError, "it does not exist"),
        ({"--eval": "absent"}, SourceError, "it does not exist"),
        ({"--steps-factor": "0"}, UsageError, "recipe 'tiny' can't last 0 times as long"),
        ({"--device": "abacus"}, UsageError, "no device 'abacus'"),
        ({"--device": "meta"}, UsageError, "does not train on 'meta'"),
        ({"--device": "cuda:99"}, BackendError, "no device 'cuda:99' here"),
        ({"--out": "tiny.toml/out"}, SinkError, "can't make the folder"),
    ],
)
def test_refusals_are_one_clear_line_before_any_step(
    *,
    photographs: Path,
    recipe_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str],
    kind: type[VsrError],
    message: str,
) -> None:
    monkeypatch.chdir(recipe_file.parent)
    options: dict[str, Any] = {"--recipe": "tiny.toml", "--data": str(photographs), "--out": "out", **changes}
    result = CliRunner().invoke(app, [part for pair in options.items() for part in pair])
    assert isinstance(result.exception, kind)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not Path("out/checkpoint.pt").exists()
