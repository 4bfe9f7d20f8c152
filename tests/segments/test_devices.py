"""What ``--device`` means where it names several."""

import pytest
import torch

from vsr.errors import BackendError, UsageError
from vsr.segments.devices import devices_of


@pytest.mark.parametrize(
    ("device", "names"),
    [
        ("auto", ("auto",)),
        ("cuda:1", ("cuda:1",)),
        ("cpu,cpu", ("cpu", "cpu")),
        ("cuda:0, cuda:2", ("cuda:0", "cuda:2")),
        ("cuda:all", ("cuda:0", "cuda:1", "cuda:2")),
        ("cuda:all,cpu", ("cuda:0", "cuda:1", "cuda:2", "cpu")),
    ],
)
def test_a_name_is_one_device_and_a_list_is_several(
    monkeypatch: pytest.MonkeyPatch, device: str, names: tuple[str, ...]
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert devices_of(device) == names


def test_all_of_no_gpus_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(BackendError, match=r"cuda:all finds no CUDA device.*--device cpu"):
        devices_of("cuda:all")


@pytest.mark.parametrize("device", ["cpu,", ",", "auto,cpu"])
def test_a_list_names_each_device(device: str) -> None:
    with pytest.raises(UsageError, match="name each device"):
        devices_of(device)
