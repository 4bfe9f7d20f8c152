"""Recipes: TOML files that say everything a training depends on, the images apart."""

import hashlib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from vsr.errors import UsageError
from vsr.networks.weights import OptionValue
from vsr.training.losses import Loss
from vsr.training.schedule import Schedule

Precision = Literal["bf16", "fp32"]
Degradation = Literal["bicubic"]

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
    """Weight of the same loss on luma, beside the one on RGB."""
    schedule: Schedule = "one_cycle"
    warmup: int = 0
    """Steps over which the learning rate rises from zero."""
    precision: Precision = "bf16"


@dataclass(frozen=True)
class Recipe:
    """A whole training."""

    name: str
    sha256: str
    """Of the recipe's text, hexadecimal."""
    network: str
    scale: int
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
    ema_decay: float = 0.999
    """Of the averaged weights, which are the ones evaluated and written; 0 averages nothing."""
    gradient_clip: float = 1.0
    """Largest norm of the gradient; 0 clips nothing."""
    evaluate_every: int = 2000
    checkpoint_every: int = 1000
    log_every: int = 100
    """All three in steps."""

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


def parse_recipe(table: Mapping[str, Any], *, name: str, sha256: str = "") -> Recipe:
    """A recipe from a parsed TOML table; UsageError with the field and the value if anything is wrong."""
    where = f"recipe '{name}'"
    stages = table.get("stages")
    if not isinstance(stages, list) or not stages:
        raise UsageError(f"{where}: 'stages' must be one or more [[stages]] tables")
    options = table.get("options", {})
    if not isinstance(options, dict) or not all(isinstance(value, OptionValue) for value in options.values()):
        raise UsageError(f"{where}: 'options' must be a table of plain values, met {options!r}")
    rest = {key: value for key, value in table.items() if key not in {"stages", "options"}}
    values = _checked(Recipe, rest, where, skipped={"name", "sha256", "stages", "options"})
    parsed = tuple(_stage(stage, f"{where}, stage {number}") for number, stage in enumerate(stages, start=1))
    recipe = Recipe(name=name, sha256=sha256, stages=parsed, options=options, **values)
    _require(0 <= recipe.ema_decay < 1, where, "ema_decay", recipe.ema_decay, "from 0 to below 1")
    _require(recipe.seed >= 0, where, "seed", recipe.seed, "0 or more")
    _require(recipe.gradient_clip >= 0, where, "gradient_clip", recipe.gradient_clip, "0 or more")
    for interval in ("evaluate_every", "checkpoint_every", "log_every", "scale"):
        _require(getattr(recipe, interval) >= 1, where, interval, getattr(recipe, interval), "1 or more")
    return recipe


def _stage(table: object, where: str) -> Stage:
    if not isinstance(table, dict):
        raise UsageError(f"{where}: must be a table, met {table!r}")
    stage = Stage(**_checked(Stage, table, where, skipped=set()))
    for name in ("steps", "batch", "patch", "candidates"):
        _require(getattr(stage, name) >= 1, where, name, getattr(stage, name), "1 or more")
    _require(stage.lr > 0, where, "lr", stage.lr, "above 0")
    _require(stage.luma_weight >= 0, where, "luma_weight", stage.luma_weight, "0 or more")
    _require(0 <= stage.warmup < stage.steps, where, "warmup", stage.warmup, f"from 0 to below steps ({stage.steps})")
    return stage


def _checked(kind: type[Stage | Recipe], table: Mapping[str, Any], where: str, skipped: set[str]) -> dict[str, Any]:
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
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    right = isinstance(value, kind) and not isinstance(value, bool)
    right = right and not (isinstance(value, float) and not math.isfinite(value))
    _require(right, where, key, value, {int: "an integer", float: "a finite number", str: "a string"}[kind])
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
