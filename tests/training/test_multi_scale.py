"""One network for several scales: a scale each step, a file for each."""

from pathlib import Path
from typing import Any

import pytest
import torch

from vsr.errors import UsageError
from vsr.evaluation.benchmark import evaluate_folder
from vsr.evaluation.images import list_images
from vsr.networks import build, load
from vsr.training.data import load_training_images, make_batch
from vsr.training.journal import Journal
from vsr.training.loop import Trainer, TrainingPlan
from vsr.training.recipe import Recipe, parse_recipe
from vsr.training.run import finish
from vsr.training.step import TrainingStep


@pytest.fixture
def recipe() -> Recipe:
    stage = {"steps": 4, "lr": 1e-3, "batch": 1, "patch": 8, "loss": "l2"}
    table = {"network": "lesrcnn", "scales": [2, 3, 4], "stages": [stage], "evaluate_every": 2, "ema_decay": 0.5}
    return parse_recipe(table, name="lesrcnn_x2x3x4_small")


def test_each_step_trains_the_upsampler_of_its_scale_alone(photographs: Path, recipe: Recipe) -> None:
    images = load_training_images(photographs, recipe)
    network = build("lesrcnn", 2).train()
    step = TrainingStep(network, recipe, None, compiled=False, say=pytest.fail)
    for number in range(recipe.steps):
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        step(make_batch(images, recipe, number), 1e-3)
        changed = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
        assert {name.split(".")[1] for name in changed if name.startswith("up.")} == {str(recipe.scale_at(number))}
        assert "head.weight" in changed
    assert {recipe.scale_at(number) for number in range(recipe.steps)} == {2, 3, 4}


def test_every_scale_is_scored_and_written_and_loads(
    photographs: Path, recipe: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = TrainingPlan(recipe, load_training_images(photographs, recipe), tmp_path, (photographs,))
    for photograph in list_images(photographs)[1:]:
        photograph.unlink()
    with Journal(tmp_path) as journal:
        trainer = Trainer(plan, journal)
        trainer.run()
        paths = finish(trainer, journal)
    said = capsys.readouterr().err
    assert [path.stem for path in paths] == [f"lesrcnn_x{scale}_small" for scale in (2, 3, 4)]
    for scale, path in zip(recipe.scales, paths, strict=True):
        loaded = load("lesrcnn", scale, path)
        assert loaded.card is not None
        assert (loaded.card.scale, loaded.card.recipe, loaded.card.steps) == (scale, recipe.name, 4)
        psnr_y = evaluate_folder(loaded.network, photographs).psnr_y
        assert loaded.card.scores["photographs"]["psnr_y"] == pytest.approx(psnr_y, abs=1e-3)
        assert f"step 2  photographs x{scale}: " in said


def test_a_network_of_one_scale_is_refused(photographs: Path, recipe_table: dict[str, Any], tmp_path: Path) -> None:
    del recipe_table["scale"]
    recipe = parse_recipe({**recipe_table, "scales": [2, 4]}, name="small")
    plan = TrainingPlan(recipe, load_training_images(photographs, recipe), tmp_path)
    with Journal(tmp_path) as journal, pytest.raises(UsageError, match=r"'scales' are \[2, 4\], but 'lrsrn' has \[2\]"):
        Trainer(plan, journal)
