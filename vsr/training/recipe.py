"""Recipes: TOML files that say everything a training depends on, the images apart."""

import hashlib
import math
import random
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Literal, cast, get_args, get_origin

from vsr.errors import UsageError
from vsr.networks.weights import OptionValue
from vsr.training.degradation import VideoDegradation
from vsr.training.losses import Loss
from vsr.training.schedule import Schedule, learning_rate

Precision = Literal["bf16", "fp32"]
Degradation = Literal["bicubic", "video"]
Wish = Literal["required", "where_installed"]

_RECIPES_DIR = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Stage:
    """A stretch of training with one loss, one schedule and a fresh optimiser."""

    steps: int
    lr: float
    """Peak learning rate of Adam."""
    batch: int = 16
    patch: int = 64
    """Side of the low-resolution patches, pixels."""
    candidates: int = 1
    """Each patch is the most detailed of this many random ones."""
    loss: Loss = "l1"
    luma_weight: float = 0.0
    """Weight of the same loss on luma, beside the one on RGB, or on all planes."""
    perceptual_weight: float = 0.0
    """Weight of the squared differences of VGG16's features."""
    schedule: Schedule = "one_cycle"
    warmup: int = 0
    """Steps over which the learning rate rises from zero."""
    cycles: int = 1
    """How many times "cosine" falls."""
    halve_at: tuple[float, ...] = ()
    """Shares of the stage's steps at which "halving" halves the learning rate."""
    freeze_statistics: bool = False
    """RepSR's normalisations use the statistics gathered so far, as once deployed; later stages must say so too."""

    def rate_at(self, step: int) -> float:
        """Learning rate of ``step`` (from 0) of the stage."""
        return learning_rate(
            self.schedule, self.lr, self.warmup, self.steps, step, cycles=self.cycles, halve_at=self.halve_at
        )

    precision: Precision = "bf16"


@dataclass(frozen=True)
class Recipe:
    """A whole training."""

    name: str
    sha256: str
    """Of the recipe's text, hexadecimal."""
    network: str
    scales: tuple[int, ...]
    """What the network upscales by: one factor, or several of which each step trains one."""
    stages: tuple[Stage, ...]
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    """Options of the network's builder."""
    start: str = ""
    """Weights to begin from: a shipped name or a file, of the same network at any scale; empty begins fresh."""
    seed: int = 1
    pattern: str = "*"
    """Which files of the data folder to take."""
    data_note: str = ""
    """What the data are and under which licences, for the card."""
    degradation: Degradation = "bicubic"
    video: VideoDegradation = field(default_factory=VideoDegradation)
    """What the degradation "video" draws from."""
    perceptual: Wish = "required"
    """Whether to go on, and say so, where VGG16 for ``perceptual_weight`` is not installed."""
    ema_decay: float = 0.999
    """Of the averaged weights, which are the ones evaluated and written; 0 averages nothing."""
    gradient_clip: float = 1.0
    """Largest norm of the gradient; 0 clips nothing."""
    patience: int = 0
    """Stop after this many evaluations in a row without a gain, and keep the best weights; 0 never stops."""
    evaluate_every: int = 2000
    checkpoint_every: int = 1000
    log_every: int = 100
    """All three in steps."""
    steps_factor: int = 1
    """How many times as long as its text says it is: ``lengthened`` sets it."""

    @property
    def scale(self) -> int:
        """The first of ``scales``: most recipes have one."""
        return self.scales[0]

    @property
    def steps(self) -> int:
        """Steps of all stages together."""
        return sum(stage.steps for stage in self.stages)

    def stage_at(self, step: int) -> tuple[Stage, int]:
        """The stage in which ``step`` (from 0) lies and its number within the stage."""
        for stage in self.stages:
            if step < stage.steps:
                return stage, step
            step -= stage.steps
        raise IndexError(f"step {step} beyond the recipe's last")

    def scale_at(self, step: int) -> int:
        """The one of ``scales`` that ``step`` trains: random, but always the same, so that a resumed run meets it."""
        return random.Random(f"{self.seed} {step}").choice(self.scales)

    def lengthened(self, factor: int) -> "Recipe":
        """The same with ``factor`` times the steps in each stage and between evaluations; UsageError below 1."""
        if factor < 1:
            raise UsageError(f"recipe '{self.name}' can't last {factor} times as long; give 1 or more")
        stages = tuple(replace(stage, steps=stage.steps * factor) for stage in self.stages)
        longer = self.steps_factor * factor
        return replace(self, stages=stages, evaluate_every=self.evaluate_every * factor, steps_factor=longer)

    def weights_name(self, scale: int) -> str:
        """Stem of the weights file for ``scale``: the recipe's name, where "x2x3x4" becomes "x2" of several."""
        if len(self.scales) == 1:
            return self.name
        several = "".join(f"x{one}" for one in self.scales)
        return self.name.replace(several, f"x{scale}") if several in self.name else f"{self.name}_x{scale}"


def read_recipe(name_or_path: str) -> Recipe:
    """A recipe that ships (by name) or a TOML file; UsageError with the field and the value if anything is wrong."""
    path = _find(name_or_path)
    try:
        content = path.read_bytes()
        table = tomllib.loads(content.decode("utf-8"))
    except OSError as exc:
        raise UsageError(f"can't read recipe {path}: {exc.strerror or exc}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise UsageError(f"recipe {path} is not TOML: {exc}") from exc
    return parse_recipe(table, name=path.stem, sha256=hashlib.sha256(content).hexdigest())


def shipped_recipes() -> tuple[str, ...]:
    """Names of the recipes that ship."""
    return tuple(sorted(file.stem for file in _RECIPES_DIR.glob("*.toml")))


def in_training_order(recipes: Iterable[Recipe]) -> tuple[Recipe, ...]:
    """Each after the one that makes the weights it starts from; UsageError where they wait for one another."""
    by_name = {recipe.name: recipe for recipe in recipes}
    makers = {recipe.weights_name(scale): recipe.name for recipe in by_name.values() for scale in recipe.scales}
    waits_for = {name: [makers[recipe.start]] if recipe.start in makers else [] for name, recipe in by_name.items()}
    try:
        return tuple(by_name[name] for name in TopologicalSorter(waits_for).static_order())
    except CycleError as exc:
        raise UsageError(f"these recipes start from one another: {', '.join(exc.args[1])}; break the circle") from exc


def parse_recipe(table: Mapping[str, Any], *, name: str, sha256: str = "") -> Recipe:
    """A recipe from a parsed TOML table; UsageError with the field and the value if anything is wrong."""
    where = f"recipe '{name}'"
    stages = table.get("stages")
    if not isinstance(stages, list) or not stages:
        raise UsageError(f"{where}: 'stages' must be one or more [[stages]] tables")
    options = table.get("options", {})
    if not isinstance(options, dict) or not all(isinstance(value, OptionValue) for value in options.values()):
        raise UsageError(f"{where}: 'options' must be a table of plain values, met {options!r}")
    rest = {key: value for key, value in table.items() if key not in {"stages", "options", "video"}}
    _name_scales(rest, where)
    values = _checked(Recipe, rest, where, skipped={"name", "sha256", "stages", "options", "video", "steps_factor"})
    parsed = tuple(_stage(stage, f"{where}, stage {number}") for number, stage in enumerate(stages, start=1))
    video = _video(table.get("video", {}), f"{where}, [video]")
    if "video" in table and values.get("degradation") != "video":
        raise UsageError(f'{where}: the table [video] needs degradation = "video"')
    recipe = Recipe(name=name, sha256=sha256, stages=parsed, options=options, video=video, **values)
    frozen = [stage.freeze_statistics for stage in parsed]
    _require(
        frozen == sorted(frozen), where, "freeze_statistics", frozen, "true in each stage after one that froze them"
    )
    distinct = 0 < len(recipe.scales) == len(set(recipe.scales))
    _require(distinct, where, "scales", list(recipe.scales), "one or more different numbers")
    for scale in recipe.scales:
        _require(scale >= 1, where, "scale", scale, "1 or more")
    _require(0 <= recipe.ema_decay < 1, where, "ema_decay", recipe.ema_decay, "from 0 to below 1")
    for least in ("seed", "gradient_clip", "patience"):
        _require(getattr(recipe, least) >= 0, where, least, getattr(recipe, least), "0 or more")
    for interval in ("evaluate_every", "checkpoint_every", "log_every"):
        _require(getattr(recipe, interval) >= 1, where, interval, getattr(recipe, interval), "1 or more")
    return recipe


def _name_scales(table: dict[str, Any], where: str) -> None:
    """Turn the field ``scale``, which most recipes have, into ``scales``, in place."""
    if ("scale" in table) == ("scales" in table):
        raise UsageError(f"{where}: give 'scale' or, for a network of several scales at once, 'scales'")
    if "scale" in table:
        table["scales"] = [_typed(int, table.pop("scale"), where, "scale")]


def _stage(table: object, where: str) -> Stage:
    if not isinstance(table, dict):
        raise UsageError(f"{where}: must be a table, met {table!r}")
    stage = Stage(**_checked(Stage, table, where, skipped=set()))
    for name in ("steps", "batch", "patch", "candidates", "cycles"):
        _require(getattr(stage, name) >= 1, where, name, getattr(stage, name), "1 or more")
    _require(stage.lr > 0, where, "lr", stage.lr, "above 0")
    for name in ("luma_weight", "perceptual_weight"):
        _require(getattr(stage, name) >= 0, where, name, getattr(stage, name), "0 or more")
    _require(0 <= stage.warmup < stage.steps, where, "warmup", stage.warmup, f"from 0 to below steps ({stage.steps})")
    only = f"1 unless the schedule is 'cosine' ('{stage.schedule}')"
    _require(stage.cycles == 1 or stage.schedule == "cosine", where, "cycles", stage.cycles, only)
    shares = f"shares between 0 and 1 with the schedule 'halving', none with another ('{stage.schedule}')"
    fit = all(0 < share < 1 for share in stage.halve_at) and (stage.schedule == "halving") == bool(stage.halve_at)
    _require(fit, where, "halve_at", list(stage.halve_at), shares)
    return stage


def _video(table: object, where: str) -> VideoDegradation:
    if not isinstance(table, dict):
        raise UsageError(f"{where}: must be a table, met {table!r}")
    video = VideoDegradation(**_checked(VideoDegradation, table, where, skipped=set()))
    for name, value in vars(video).items():
        if name.endswith("_share"):
            _require(0 <= value <= 1, where, name, value, "from 0 to 1")
        elif name.endswith("_sigma"):
            _require(value >= 0, where, name, value, "0 or more")
        else:
            _require(value >= 1, where, name, value, "1 or more")
    return video


def _checked(
    kind: type[Stage | Recipe | VideoDegradation], table: Mapping[str, Any], where: str, skipped: set[str]
) -> dict[str, Any]:
    """The table's values, if each key is a field of ``kind`` with a value of its type and no needed one lacks."""
    known = {entry.name: entry for entry in fields(kind) if entry.name not in skipped}
    for key in table:
        if key not in known:
            raise UsageError(f"{where}: unknown field '{key}'; known: {', '.join(known)}")
    for name, entry in known.items():
        if name not in table and entry.default is MISSING and entry.default_factory is MISSING:
            raise UsageError(f"{where}: field '{name}' is missing")
    return {key: _typed(known[key].type, value, where, key) for key, value in table.items()}


def _typed(kind: Any, value: object, where: str, key: str) -> object:
    if get_origin(kind) is Literal:
        _require(value in get_args(kind), where, key, value, f"one of {', '.join(get_args(kind))}")
        return value
    if get_origin(kind) is tuple:
        _require(isinstance(value, list), where, key, value, "a list")
        return tuple(_typed(get_args(kind)[0], one, where, key) for one in cast("list[object]", value))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    right = right and not (isinstance(value, float) and not math.isfinite(value))
    wanted = {int: "an integer", float: "a finite number", str: "a string", bool: "true or false"}
    _require(right, where, key, value, wanted[kind])
    return value


def _require(condition: bool, where: str, key: str, value: object, wanted: str) -> None:
    if not condition:
        raise UsageError(f"{where}: '{key}' must be {wanted}, met {value!r}")


def _find(name_or_path: str) -> Path:
    shipped = _RECIPES_DIR / f"{name_or_path}.toml"
    if Path(name_or_path).name == name_or_path and shipped.is_file():
        return shipped
    path = Path(name_or_path)
    if path.is_file():
        return path
    choices = ", ".join(shipped_recipes()) or "none"
    raise UsageError(f"no recipe '{name_or_path}': neither a file nor one that ships ({choices})")
