"""A step learns the same plain, compiled, and on the GPU."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from vsr.networks import build
from vsr.training.data import load_training_images, make_batch
from vsr.training.journal import Journal
from vsr.training.loop import Trainer, TrainingPlan
from vsr.training.recipe import parse_recipe
from vsr.training.step import TrainingStep

RGB = {"network": "lrsrn", "options": {"anchor": "nearest", "expand": 16}}
LUMA = {"network": "ecbsr", "options": {}}
PACKED = {"network": "packed", "options": {"blocks": 1, "channels": 8}}


def losses(
    photographs: Path, table: dict[str, Any], device: str = "cpu", *, compiled: bool = False
) -> tuple[list[float], list[str]]:
    """The loss of each step of a recipe, and what was said."""
    recipe = parse_recipe(table, name="small")
    images = load_training_images(photographs, recipe)
    torch.manual_seed(recipe.seed)
    network = build(recipe.network, recipe.scale, **recipe.options).to(device).train()
    said: list[str] = []
    step = TrainingStep(network, recipe, None, compiled=compiled, say=said.append)
    values = []
    for number in range(recipe.steps):
        stage, step_in_stage = recipe.stage_at(number)
        if step_in_stage == 0:
            step.begin(stage)
        values.append(float(step(make_batch(images, recipe, number), stage.lr)))
    return values, said


def float32(table: dict[str, Any]) -> dict[str, Any]:
    return {**table, "stages": [{**stage, "precision": "fp32"} for stage in table["stages"]]}


@pytest.mark.parametrize("network", [RGB, LUMA, PACKED])
def test_the_compiled_step_is_one_graph_and_learns_the_same(
    network: dict[str, Any], photographs: Path, recipe_table: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = float32({**recipe_table, **network})
    wanted, _ = losses(photographs, table)
    compile_ = torch.compile

    # Only what follows the step's Python code: generating fast code from it takes most of a minute.
    def traced(function: Callable[..., Any], **options: object) -> Callable[..., Any]:
        return compile_(function, backend="eager", fullgraph=True, dynamic=False)

    monkeypatch.setattr(torch, "compile", traced)
    values, said = losses(photographs, table, compiled=True)
    assert said == []
    assert values == pytest.approx(wanted, rel=1e-5)


def test_a_step_that_can_not_be_compiled_goes_on_without_and_says_so(
    photographs: Path, recipe_table: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, _ = losses(photographs, recipe_table)

    def without_compiler(function: object, **options: object) -> Callable[..., Any]:
        def fail(*batch: object) -> None:
            raise RuntimeError("no C++ compiler\nand many lines more")

        return fail

    monkeypatch.setattr(torch, "compile", without_compiler)
    values, said = losses(photographs, recipe_table, compiled=True)
    assert said == ["going on without compiling the step, which failed: no C++ compiler"]
    assert values == wanted


def test_an_error_of_the_step_itself_is_raised(photographs: Path, recipe_table: dict[str, Any]) -> None:
    recipe = parse_recipe(recipe_table, name="small")
    step = TrainingStep(build("lrsrn", 3), recipe, None, compiled=False, say=pytest.fail)
    with pytest.raises(RuntimeError, match="size"):
        step(make_batch(load_training_images(photographs, recipe), recipe, 0), 1e-3)


@pytest.mark.cuda
@pytest.mark.parametrize("network", [RGB, LUMA, PACKED])
@pytest.mark.parametrize("compiled", [False, True])
def test_the_gpu_learns_what_the_cpu_learns(
    network: dict[str, Any], compiled: bool, photographs: Path, recipe_table: dict[str, Any]
) -> None:
    table = float32({**recipe_table, **network})
    wanted, _ = losses(photographs, table)
    values, said = losses(photographs, table, "cuda", compiled=compiled)
    assert said == []
    assert values[0] == pytest.approx(wanted[0], rel=1e-3)
    # Adam takes the sign of the smallest gradients, rounding errors among them.
    assert values == pytest.approx(wanted, rel=0.03)


@pytest.mark.cuda
@pytest.mark.parametrize("compiled", [False, True])
def test_a_run_on_the_gpu_resumes_and_ends_where_the_cpus_does(
    compiled: bool, photographs: Path, recipe_table: dict[str, Any], tmp_path: Path
) -> None:
    recipe = parse_recipe({**recipe_table, "ema_decay": 0.8}, name="small")
    images = load_training_images(photographs, recipe)

    def psnr_y(device: str, stop_after: int | None = None, *, resume: bool = False) -> float:
        out = tmp_path / device
        out.mkdir(exist_ok=True)
        on = torch.device(device)
        plan = TrainingPlan(recipe, images, out, (photographs,), on, compiled and device == "cuda", resume, stop_after)
        with Journal(out) as journal:
            trainer = Trainer(plan, journal)
            trainer.run()
        (deployed,) = trainer.deployed(trainer.result()[0])
        return trainer.scores(deployed)[photographs.name].psnr_y

    early = psnr_y("cuda", 4)
    late = psnr_y("cuda", resume=True)
    assert late > early
    assert late == pytest.approx(psnr_y("cpu"), abs=0.1)
