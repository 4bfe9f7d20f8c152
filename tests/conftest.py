"""What every test stands on: GPU tests that can't skip unseen, no thread left behind, small clips to work on."""

import os
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import torch

from tests.io.making import Recipe, make

# Tensors here are tiny: a second thread costs more in waiting than it gives, the more so on a busy machine.
torch.set_num_threads(1)


_LIVE = ("tests/live/", "tests/web/", "tests/io/live/", "tests/cli/test_live.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks those of live runs ``alone``, and puts those on a cluster first.

    Ray takes its settings when it is imported, which ``vsr doctor`` does too.
    """
    for item in items:
        if item.nodeid.startswith(_LIVE):
            item.add_marker("alone")
    items.sort(key=lambda item: "address" not in getattr(item, "fixturenames", ()))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked ``cuda`` skips without a GPU, but fails where the machine is declared to have one."""
    if item.get_closest_marker("cuda") is None or torch.cuda.is_available():
        return
    if os.environ.get("VSR_REQUIRE_CUDA") == "1":
        pytest.fail("VSR_REQUIRE_CUDA=1, but torch finds no CUDA device", pytrace=False)
    pytest.skip("no CUDA device")


def stage_threads() -> list[str]:
    """Names of the threads of vsr's stages that are alive."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("vsr-")]


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled artefacts of the tests are their own: neither found in the user's cache nor left there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VSR_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """Whatever a test does, the threads of its stages end with it, and none that it leaves is real-time."""
    yield
    assert stage_threads() == []
    if sys.platform == "linux":
        # What a real-time thread starts is real-time too, up to the programs of the next tests.
        assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.fixture(scope="session")
def one_onnx_registry() -> Iterator[None]:
    """PyTorch reads its hundreds of translations to ONNX anew for each export, at more than its cost."""
    registration = pytest.importorskip("torch.onnx._internal.exporter._registration", reason="no exporter to ONNX")
    registry = registration.ONNXRegistry
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "from_torchlib", staticmethod(cache(registry.from_torchlib)))
        yield


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small clip with sound (64x48, 12 frames) in two containers: do not write into it."""
    folder = tmp_path_factory.mktemp("clips")
    recipe = Recipe(pts=tuple(512 * i for i in range(12)), audio=("aac",))
    for name in ("clip.mp4", "clip.mkv"):
        make(folder / name, recipe)
    return folder
