"""Weights of strangers: what is in the file is never run, and no other file is read for it."""

import hashlib
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import safetensors.torch
import torch
from onnx import TensorProto, helper, numpy_helper

from tests.hostile.conftest import Vsr
from tests.hostile.running import Runner
from vsr.errors import NetworkError

_MOST_MEMORY = 1000 << 20
"""Of the process: PyTorch takes a third, the network that a card asks for would take six gigabytes."""


class _Command:
    """What a pickle runs when it is loaded."""

    def __init__(self, marker: Path):
        self._marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self._marker),)


class _State:
    """Its state is set by a function of its own, another way in."""

    def __init__(self, marker: Path):
        self._marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return eval, (f"__import__('os').mkdir({str(self._marker)!r})",)


def _plain(path: Path, content: object) -> None:
    path.write_bytes(pickle.dumps(content))


def _legacy(path: Path, content: object) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


def _zipped(path: Path, content: object) -> None:
    torch.save(content, path)


def _in_a_zip(path: Path, content: object) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content))
        archive.writestr("archive/version", "3\n")


def _compressed(path: Path, content: object) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content))
        archive.writestr("archive/data/0", bytes(1 << 20))


_TRAPS: dict[str, Callable[[Path], object]] = {
    "command": _Command,
    "state": _State,
    "beside tensors": lambda marker: {"params": {"w": torch.zeros(1)}, "epoch": _Command(marker)},
}


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt", ".safetensors", ".onnx"])
@pytest.mark.parametrize("write", [_plain, _legacy, _zipped, _in_a_zip, _compressed])
@pytest.mark.parametrize("trap", _TRAPS)
def test_a_pickle_runs_nothing(
    suffix: str, write: Callable[[Path, object], None], trap: str, *, clips: Path, tmp_path: Path, vsr: Vsr
) -> None:
    marker, path = tmp_path / "pwned", tmp_path / f"weights{suffix}"
    write(path, _TRAPS[trap](marker))
    said = vsr("run", clips / "clip.mp4", tmp_path / "out.mkv", "--weights", path)
    assert said.code == NetworkError.exit_code, said
    assert not marker.exists()
    assert not (tmp_path / "out.mkv").exists()


def test_the_traps_are_real(tmp_path: Path) -> None:
    """The counterpart: what other readers would have done."""
    for trap in (_Command, _State):
        pickle.loads(pickle.dumps(trap(tmp_path / trap.__name__)))
        assert (tmp_path / trap.__name__).is_dir()


@pytest.mark.parametrize("location", ["../secret", "secret", "/etc/hostname", "file:///etc/hostname"])
def test_an_onnx_file_reads_no_other(location: str, clips: Path, tmp_path: Path, vsr: Vsr) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    for place in (tmp_path, folder):
        (place / "secret").write_bytes(np.zeros(9 * 64, np.float32).tobytes())
    weight = numpy_helper.from_array(np.zeros((64, 1, 3, 3), np.float32), "body.0.weight")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location)
    node = helper.make_node("Conv", ["x", "body.0.weight"], ["y"])
    shapes = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None, None, None]) for name in "xy"]
    onnx_file = folder / "weights.onnx"
    model = helper.make_model(helper.make_graph([node], "g", shapes[:1], shapes[1:], [weight]))
    onnx_file.write_bytes(model.SerializeToString())
    assert onnx.load_model_from_string(onnx_file.read_bytes()).graph.initializer[0].external_data
    said = vsr("run", clips / "clip.mp4", tmp_path / "out.mkv", "--weights", onnx_file)
    assert said.code == NetworkError.exit_code
    assert "other files" in said.line


@pytest.mark.parametrize("what", ["folder", "pipe", "link to a device"])
def test_weights_are_an_ordinary_file(what: str, clips: Path, tmp_path: Path, vsr: Vsr) -> None:
    path = tmp_path / "weights.safetensors"
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    said = vsr("run", clips / "clip.mp4", tmp_path / "out.mkv", "--weights", path)
    assert said.code == NetworkError.exit_code


def _endless(folder: Path) -> Path:
    """A state_dict that is its own content."""
    content: dict[str, object] = {}
    content["params"] = content
    torch.save(content, folder / "weights.pth")
    return folder / "weights.pth"


def _of_options(folder: Path) -> Path:
    """One number, and a card that asks for a network of gigabytes."""
    content = safetensors.torch.save({"a": torch.zeros(1)})
    (folder / "weights.safetensors").write_bytes(content)
    options = {"blocks": 64, "channels": 256, "expand": 4096}
    card = {"network": "ecbsr", "scale": 2, "sha256": hashlib.sha256(content).hexdigest(), "options": options}
    (folder / "weights.json").write_text(json.dumps(card), encoding="utf-8")
    return folder / "weights.safetensors"


@pytest.mark.parametrize(
    ("bomb", "said"),
    [(_endless, "more than 4 times"), (_of_options, "holds 1 numbers, asks for a network of more than 16777216")],
)
def test_a_small_file_takes_little_memory(
    bomb: Callable[[Path], Path], said: str, clips: Path, tmp_path: Path, runner: Runner
) -> None:
    (tmp_path / "results").mkdir()
    path = bomb(tmp_path)
    ended = runner.run(clips / "clip.mp4", tmp_path / "results" / "out.mkv", "--weights", str(path))
    assert not ended.fault, ended
    assert ended.code == NetworkError.exit_code, ended
    assert said in ended.said
    assert ended.memory < _MOST_MEMORY
