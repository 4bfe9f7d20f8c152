"""The wheel: every module and data file of the checkout is in it, and it works where there is no checkout."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "vsr", "pipelines")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from a copy, so that no build folder of the checkout can leak into it; needs no network."""
    pytest.importorskip("setuptools")
    sources, out = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, sources / name)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*build, "--wheel-dir", str(out), str(sources)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("vsr-*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content in a folder: what an installation puts into site-packages."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def _shipped(folder: Path) -> set[str]:
    files = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(folder).as_posix() for file in files}


def test_the_wheel_holds_all_of_the_package_and_nothing_else(unpacked: Path) -> None:
    in_checkout = _shipped(ROOT / "vsr") | {f"pipelines/{name}" for name in _shipped(ROOT / "pipelines")}
    assert _shipped(unpacked / "vsr") == in_checkout
    assert [path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")] == ["vsr"]


def test_presets_weights_and_recipes_are_found_without_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    script = """
import json, vsr
from vsr.networks import available
from vsr.spec import load_preset, preset_names
from vsr.training.recipe import read_recipe, shipped_recipes
print(json.dumps({
    "file": vsr.__file__,
    "presets": [load_preset(name).name for name in preset_names()],
    "weights": [name for entry in available() for name in entry.shipped_weights() if entry.shipped_card(name)],
    "recipes": [read_recipe(name).name for name in shipped_recipes()],
}))
"""
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert Path(found["file"]).is_relative_to(unpacked)
    assert found["presets"] == sorted(file.stem for file in (ROOT / "pipelines").glob("*.toml"))
    weights = (ROOT / "vsr/networks/weights").glob("*.safetensors")
    assert sorted(found["weights"]) == sorted(file.stem for file in weights)
    assert found["recipes"] == sorted(file.stem for file in (ROOT / "vsr/training/recipes").glob("*.toml"))


def test_the_command_is_installed(unpacked: Path) -> None:
    (points,) = unpacked.glob("*.dist-info/entry_points.txt")
    assert "vsr = vsr.__main__:main" in points.read_text()
