"""Recipes: what ships is valid, and each mistake is one line that names the field and the value."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vsr.errors import UsageError
from vsr.networks import available, build
from vsr.training.recipe import Recipe, in_training_order, parse_recipe, read_recipe, shipped_recipes


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipe_is_valid_and_builds_its_network(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.name == name
    assert recipe.steps == sum(stage.steps for stage in recipe.stages) > 0
    assert build(recipe.network, recipe.scale, **recipe.options).scale == recipe.scale


def test_shipped_recipes_have_an_order() -> None:
    order = [recipe.name for recipe in in_training_order(map(read_recipe, shipped_recipes()))]
    assert sorted(order) == sorted(shipped_recipes())
    assert order.index("lrsrn_x2_clean") < order.index("lrsrn_x3_clean")


def test_every_shipped_weights_file_comes_from_a_shipped_recipe() -> None:
    for entry in available():
        for name in entry.shipped_weights():
            card = entry.shipped_card(name)
            assert card is not None
            recipe = read_recipe(card.recipe).lengthened(card.training.get("steps_factor", 1))
            assert (card.recipe_sha256, card.seed) == (recipe.sha256, recipe.seed)
            assert card.steps == recipe.steps or (recipe.patience and card.steps < recipe.steps)
            assert (card.network, card.options) == (recipe.network, recipe.options)
            assert name in [recipe.weights_name(scale) for scale in recipe.scales]
            assert card.scale in recipe.scales


def test_stage_at_walks_through_the_stages(recipe_table: dict[str, Any]) -> None:
    recipe = parse_recipe(recipe_table, name="small")
    first, second = recipe.stages
    assert recipe.stage_at(0) == (first, 0)
    assert recipe.stage_at(11) == (first, 11)
    assert recipe.stage_at(12) == (second, 0)
    assert recipe.stage_at(17) == (second, 5)
    with pytest.raises(IndexError):
        recipe.stage_at(18)


def test_a_stage_has_its_schedule(recipe_table: dict[str, Any]) -> None:
    stage = {"steps": 100, "lr": 1.0, "warmup": 10}
    table = {
        **recipe_table,
        "stages": [
            {**stage, "schedule": "halving", "halve_at": [0.5]},
            {**stage, "schedule": "cosine", "cycles": 3},
        ],
    }
    halving, cosine = parse_recipe(table, name="small").stages
    assert [halving.rate_at(step) for step in (0, 9, 49, 50)] == [0.1, 1.0, 1.0, 0.5]
    assert cosine.rate_at(40) == cosine.rate_at(70) == 1.0


def test_whole_numbers_do_for_real_ones(recipe_table: dict[str, Any]) -> None:
    recipe_table["gradient_clip"] = 1
    assert parse_recipe(recipe_table, name="small").gradient_clip == 1.0


def test_several_scales_are_drawn_alike_each_time(recipe_table: dict[str, Any]) -> None:
    assert parse_recipe(recipe_table, name="small").scales == (2,)
    del recipe_table["scale"]
    recipe = parse_recipe({**recipe_table, "scales": [2, 3, 4]}, name="net_x2x3x4_clean")
    drawn = [recipe.scale_at(step) for step in range(300)]
    assert drawn == [recipe.scale_at(step) for step in range(300)]
    assert all(80 < drawn.count(scale) < 120 for scale in (2, 3, 4))
    assert recipe.scale == 2
    assert [recipe.weights_name(scale) for scale in recipe.scales] == ["net_x2_clean", "net_x3_clean", "net_x4_clean"]


def test_a_lengthened_recipe_has_more_steps_and_as_many_evaluations(recipe_table: dict[str, Any]) -> None:
    recipe = parse_recipe(recipe_table, name="small", sha256="same")
    longer = recipe.lengthened(10)
    assert [stage.steps for stage in longer.stages] == [120, 60]
    assert (longer.steps_factor, longer.sha256) == (10, "same")
    assert longer.steps // longer.evaluate_every == recipe.steps // recipe.evaluate_every
    with pytest.raises(UsageError, match="'small' can't last 0 times as long"):
        recipe.lengthened(0)


def test_recipes_train_after_those_they_start_from(recipe_table: dict[str, Any]) -> None:
    def recipe(name: str, start: str) -> Recipe:
        return parse_recipe({**recipe_table, "start": start}, name=name)

    last, middle = recipe("a", "b"), recipe("b", "c")
    order = [one.name for one in in_training_order([last, middle, recipe("c", "elsewhere.safetensors")])]
    assert order == ["c", "b", "a"]
    with pytest.raises(UsageError, match=r"start from one another: .*b, a"):
        in_training_order([last, middle, recipe("c", "a")])


def change(**values: object) -> Callable[[dict[str, Any]], object]:
    return lambda table: table.update(values)


def change_stage(**values: object) -> Callable[[dict[str, Any]], object]:
    return lambda table: table["stages"][1].update(values)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda table: table.pop("network"), "'network' is missing"),
        (lambda table: table.pop("stages"), "'stages' must be one or more"),
        (change(stages=[]), "'stages' must be one or more"),
        (change(stages=[3]), "stage 1: must be a table, met 3"),
        (change(learning_rate=3), "unknown field 'learning_rate'; known: network, scale"),
        (change(scale="2"), "'scale' must be an integer, met '2'"),
        (change(scale=True), "'scale' must be an integer, met True"),
        (change(scale=0), "'scale' must be 1 or more, met 0"),
        (change(scales=[2, 3]), "give 'scale' or, for a network of several scales at once, 'scales'"),
        (lambda table: table.pop("scale"), "give 'scale' or"),
        (lambda table: table.update(scales=[table.pop("scale"), 2]), r"'scales' must be .* different .*met \[2, 2\]"),
        (lambda table: table.update(scales=table.pop("scale")), "'scales' must be a list, met 2"),
        (change(patience=-1), "'patience' must be 0 or more, met -1"),
        (change(perceptual="never"), "'perceptual' must be one of required, where_installed, met 'never'"),
        (change(seed=-1), "'seed' must be 0 or more, met -1"),
        (change(ema_decay=1.0), "'ema_decay' must be from 0 to below 1, met 1.0"),
        (change(gradient_clip=-1.0), "'gradient_clip' must be 0 or more"),
        (change(gradient_clip=float("nan")), "'gradient_clip' must be"),
        (change(degradation="jpeg"), "'degradation' must be one of bicubic, video, met 'jpeg'"),
        (change(checkpoint_every=0), "'checkpoint_every' must be 1 or more"),
        (change(options={"anchor": ["nearest"]}), "'options' must be a table of plain values"),
        (change_stage(loss="vgg"), "stage 2: 'loss' must be one of l1, l2, charbonnier, met 'vgg'"),
        (change_stage(schedule=[]), "stage 2: 'schedule' must be one of one_cycle, cosine, constant, halving"),
        (change_stage(precision="fp16"), "stage 2: 'precision' must be one of bf16, fp32, met 'fp16'"),
        (change_stage(steps=1.5), "stage 2: 'steps' must be an integer, met 1.5"),
        (change_stage(batch=0), "stage 2: 'batch' must be 1 or more"),
        (change_stage(lr=float("inf")), "stage 2: 'lr' must be a finite number, met inf"),
        (change_stage(lr=0.0), "stage 2: 'lr' must be above 0"),
        (change_stage(warmup=6), r"stage 2: 'warmup' must be from 0 to below steps \(6\), met 6"),
        (change_stage(luma_weight=-0.5), "stage 2: 'luma_weight' must be 0 or more"),
        (change_stage(perceptual_weight=-0.5), "stage 2: 'perceptual_weight' must be 0 or more"),
        (lambda table: table["stages"][0].update(freeze_statistics=True), "'freeze_statistics' must be true in each"),
        (change_stage(freeze_statistics=1), "stage 2: 'freeze_statistics' must be true or false, met 1"),
        (change_stage(schedule="constant", cycles=2), "stage 2: 'cycles' must be 1 unless .*, met 2"),
        (change_stage(schedule="halving"), r"stage 2: 'halve_at' must be shares .*, met \[\]"),
        (change_stage(schedule="halving", halve_at=[400]), r"stage 2: 'halve_at' must be shares .*, met \[400.0\]"),
        (change_stage(halve_at=[0.5]), r"stage 2: 'halve_at' must be shares .*none .*\('cosine'\), met \[0.5\]"),
    ],
)
def test_each_mistake_is_one_clear_line(
    recipe_table: dict[str, Any], spoil: Callable[[dict[str, Any]], object], message: str
) -> None:
    spoil(recipe_table)
    with pytest.raises(UsageError, match=message) as caught:
        parse_recipe(recipe_table, name="small")
    assert "recipe 'small'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_recipe(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("network = ")
    with pytest.raises(UsageError, match="is not TOML"):
        read_recipe(str(path))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not TOML"):
        read_recipe(str(path))
    with pytest.raises(UsageError, match=r"no recipe 'absent'.*lrsrn_x2_clean"):
        read_recipe("absent")
