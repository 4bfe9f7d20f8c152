"""``vsr doctor``: it tells what is there, why the rest is not, and always succeeds."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from vsr import backends
from vsr.cli.app import main
from vsr.machine import examine


def _doctor(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["doctor", *arguments])
    assert stop.value.code == 0
    return capsys.readouterr().out


def _examined(package: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What ``examine`` says of ``package`` when importing it runs ``source``."""
    (tmp_path / f"{package}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    before = sys.modules.pop(package, None)
    facts = dict(examine()["optional"][package])
    sys.modules.pop(package, None)
    if before is not None:
        sys.modules[package] = before
    return facts


def test_versions_backends_and_default_are_this_machines(capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(_doctor(capsys, "--json"))
    assert facts["versions"]["torch"] == torch.__version__
    assert set(facts["backends"]) == set(backends.names())
    assert facts["backends"]["torch"]["unavailable"] is None
    assert facts["default"]["device"] in facts["backends"]["torch"]["devices"]
    assert facts["default"]["precision"] == facts["backends"]["torch"]["devices"][facts["default"]["device"]]
    assert facts["encoders"]["libx264"] is True
    assert facts["machine"]["cores"] >= 1


def test_absent_hardware_has_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(_doctor(capsys, "--json"))
    text = _doctor(capsys)
    for kind, hardware in facts["hardware_codecs"].items():
        line = next(line for line in text.splitlines() if line.strip().startswith(kind))
        assert (hardware["unavailable"] or "--hwaccel") in line
    if not torch.cuda.is_available():
        assert "none that PyTorch can use" in text


def test_an_unusable_backend_says_why(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vsr.backends.torch_.TorchBackend.unavailable", lambda _: "its library is missing")
    text = _doctor(capsys)
    assert "its library is missing" in text
    assert "a run takes    nothing" in text


def test_opencv_without_libgl_gets_a_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    message = "libGL.so.1: cannot open shared object file: No such file or directory"
    facts = _examined("cv2", f"raise ImportError({message!r})", tmp_path, monkeypatch)
    assert message in facts["problem"]
    assert "opencv-python-headless" in facts["problem"]


def test_a_package_that_fails_in_any_way_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As spandrel does with a torchvision made for another torch."""
    message = "operator torchvision::nms does not exist"
    assert message in _examined("spandrel", f"raise RuntimeError({message!r})", tmp_path, monkeypatch)["problem"]


def test_a_package_that_is_there_shows_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = _examined("tensorrt", "__version__ = '10.9'", tmp_path, monkeypatch)
    assert (facts["version"], facts["problem"]) == ("10.9", None)


def test_a_package_that_is_absent_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    assert "pip install tensorrt" in examine()["optional"]["tensorrt"]["problem"]
