"""Weights files that are not trusted: no code in them ever runs, and whatever is wrong is one clear line."""

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import nn

from tests.hostile.bombs import with_a_second_directory
from tests.networks.authors import State
from tests.networks.authors_rgb import srvgg, srvgg_state
from vsr.errors import NetworkError
from vsr.networks import checkpoint_files, load_file
from vsr.networks.checkpoint_files import read_tensors, without_prefix


class Payload:
    """Makes the file ``path`` if anything unpickles it as pickle does."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mknod, (str(self.path),)


def saved(content: object, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def refused(path: Path, match: str) -> None:
    """Reading ``path`` is refused with one line."""
    with pytest.raises(NetworkError, match=match) as caught:
        read_tensors(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt"])
@pytest.mark.parametrize(
    "wrap",
    [
        saved,
        lambda payload: saved({"params": srvgg_state(2, 4, 1), "iter": payload}),
        lambda payload: saved({**srvgg_state(2, 4, 1), "body.0.weight": payload}),
        lambda payload: saved(payload, _use_new_zipfile_serialization=False),
        lambda payload: pickle.dumps(payload, protocol=2),
        lambda payload: pickle.dumps(payload, protocol=4),
        lambda payload: pickle.dumps({"params": payload}, protocol=0),
    ],
)
def test_a_payload_never_runs(wrap: Callable[[Payload], bytes], suffix: str, tmp_path: Path) -> None:
    made = tmp_path / "made"
    path = tmp_path / f"theirs{suffix}"
    path.write_bytes(wrap(Payload(made)))
    refused(path, "vsr runs nothing from a weights file|damaged or no PyTorch file")
    assert not made.exists()


def test_the_payload_would_have_run(tmp_path: Path) -> None:
    """Else the test before proves nothing."""
    pickle.loads(pickle.dumps(Payload(tmp_path / "made")))
    assert (tmp_path / "made").exists()


def test_a_whole_module_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "theirs.pth"
    torch.save({"epoch": 3, "model": nn.Conv2d(1, 1, 1)}, path)
    refused(path, "torch.nn.modules.conv.Conv2d, beside tensors.*state_dict saved alone")


def test_pickles_need_a_torch_whose_unpickler_is_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "theirs.pth"
    torch.save(srvgg_state(2, 4, 1), path)
    monkeypatch.setattr(torch, "__version__", type(torch.__version__)("2.9.1"))
    refused(path, r"torch 2\.9\.1 can't read.*install torch 2\.10 or newer")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("seed", range(4))
def test_random_bytes_are_one_clear_line(suffix: str, seed: int, tmp_path: Path) -> None:
    path = tmp_path / f"theirs{suffix}"
    generator = torch.Generator().manual_seed(seed)
    noise = bytes(torch.randint(256, (2000,), generator=generator, dtype=torch.uint8).tolist())
    for start in (b"", b"PK\x03\x04", b"\x80\x02", b"\x80\x04"):
        path.write_bytes(start + noise)
        refused(path, "damaged or no PyTorch file|vsr runs nothing|not a safetensors file")


@pytest.mark.parametrize(
    ("suffix", "whole"),
    [
        (".pth", saved(srvgg_state(2, 4, 1))),
        (".pth", saved(srvgg_state(2, 4, 1), _use_new_zipfile_serialization=False)),
        (".safetensors", safetensors.torch.save(srvgg_state(2, 4, 1))),
    ],
)
def test_files_that_are_cut_short_are_one_clear_line(suffix: str, whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"theirs{suffix}"
    for length in (0, 1, 8, len(whole) // 3, len(whole) // 2, len(whole) - 8):
        path.write_bytes(whole[:length])
        refused(path, "damaged or no PyTorch file|not a safetensors file")


def test_a_compressed_archive_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "theirs.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(50_000_000))
    assert path.stat().st_size < 100_000
    refused(path, "compressed archive")


def test_what_is_checked_of_an_archive_is_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "theirs.pth"
    path.write_bytes(with_a_second_directory(saved({"weight": torch.zeros(1 << 18)})))
    assert path.stat().st_size < 1 << 14
    assert torch.load(path, weights_only=True)["weight"].numel() == 1 << 18  # what torch by itself would unpack
    refused(path, "damaged or no PyTorch file")


def test_a_checkpoint_within_itself_is_refused(tmp_path: Path) -> None:
    endless: dict[str, object] = {}
    endless["params"] = endless
    torch.save(endless, tmp_path / "theirs.pth")
    refused(tmp_path / "theirs.pth", "wraps its tensors more than 4 times; save the state_dict alone")


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.zeros(1).expand(1 << 20, 1 << 20), "claims more than"),
        (torch.zeros(3, device="meta"), "'odd' is no plain dense array"),
        (torch.zeros(3).to_sparse(), "'odd' is no plain dense array"),
    ],
)
def test_odd_tensors_are_refused(tensor: torch.Tensor, message: str, tmp_path: Path) -> None:
    torch.save({"odd": tensor, "plain": torch.zeros(3)}, tmp_path / "theirs.pth")
    refused(tmp_path / "theirs.pth", message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "holds no tensors"),
        ([torch.zeros(3)], "holds no named tensors"),
        ({3: torch.zeros(3)}, "holds no named tensors"),
        ({"weights": {"a": torch.zeros(3)}}, "no state_dict under a known name"),
        ({"params": srvgg_state(2, 4, 1), "surprise": torch.zeros(3)}, "'surprise' beside 'params'"),
    ],
)
def test_what_is_no_state_dict_is_refused(content: object, message: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "theirs.pth")
    refused(tmp_path / "theirs.pth", message)


def test_a_file_beyond_the_limit_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(srvgg_state(2, 4, 1), tmp_path / "theirs.pth")
    monkeypatch.setattr(checkpoint_files, "MOST_BYTES", 1000)
    refused(tmp_path / "theirs.pth", "GB, more than")


@pytest.mark.parametrize("kind", ["folder", "device", "link to a device", "link to nothing", "unknown extension"])
def test_what_is_no_weights_file_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs.pth"
    if kind == "folder":
        path.mkdir()
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    elif kind == "link to nothing":
        path.symlink_to(tmp_path / "nothing")
    elif kind == "device":
        path = Path("/dev/zero")
    else:
        path = tmp_path / "theirs.bin"
        path.write_bytes(b"1")
    refused(path, "no ordinary file|can't read weights|unknown extension; weights are one of: .safetensors, .pth")
    if kind != "unknown extension":
        with pytest.raises(NetworkError, match="neither a file nor one of the shipped names"):
            load_file(path)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"params": {name: 2 * one for name, one in state.items()}, "params_ema": state},
        lambda state: {"state_dict": {f"module.{name}": one for name, one in state.items()}, "epoch": 7},
        lambda state: {"epoch": 1, "model_state_dict": state, "optimizer_state_dict": {"state": {}}, "loss": 0.5},
        lambda state: {"state_dict": {f"net_g.{k}": v for k, v in state.items()}, "pytorch-lightning_version": "2"},
        lambda state: {"model": {"params": state}, "best_psnr": 31.0},
        lambda state: {name: nn.Parameter(one) for name, one in state.items()},
        lambda state: {name: one.half() for name, one in state.items()},
    ],
)
def test_checkpoints_are_unwrapped(wrap: Callable[[State], object], tmp_path: Path) -> None:
    state = srvgg_state(2, 4, 1)
    torch.save(wrap(state), tmp_path / "theirs.pth")
    network = load_file(tmp_path / "theirs.pth").network
    x = torch.rand(1, 3, 5, 5)
    torch.testing.assert_close(network(x), srvgg(state, x, 2), rtol=0, atol=5e-3)
    assert network.state_dict()["tail.weight"].dtype == torch.float32


def test_a_prefix_goes_only_where_every_name_has_it() -> None:
    state = {"module.model.a": torch.zeros(1), "module.model.b": torch.ones(1)}
    assert list(without_prefix(state)) == ["a", "b"]
    assert list(without_prefix({**state, "c": torch.zeros(1)})) == ["module.model.a", "module.model.b", "c"]


def test_safetensors_of_others_are_read_too(tmp_path: Path) -> None:
    state = srvgg_state(3, 4, 1)
    safetensors.torch.save_file({f"module.{name}": one for name, one in state.items()}, tmp_path / "theirs.safetensors")
    x = torch.rand(1, 3, 5, 5)
    torch.testing.assert_close(load_file(tmp_path / "theirs.safetensors").network(x), srvgg(state, x, 3))
