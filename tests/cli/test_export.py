"""``vsr export``: files that other runtimes read, with what they need to know, whole or not there."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from tests.cli.conftest import Run
from tests.export.running import run
from vsr.errors import UsageError
from vsr.export import run as export_run
from vsr.networks import load

pytestmark = pytest.mark.usefixtures("one_onnx_registry")


def facts_of(path: Path) -> dict[str, str]:
    return {one.key: one.value for one in onnx.load(str(path)).metadata_props}


def test_onnx_of_the_network_that_the_weights_are_for(vsr: Run, tmp_path: Path) -> None:
    out = tmp_path / "espcn.onnx"
    code, said, _ = vsr("export", out, "--weights", "espcn_x2_clean")
    assert code == 0
    assert "network espcn" in said
    loaded = load("espcn", 2)
    x = torch.rand(1, 1, 9, 12)
    np.testing.assert_allclose(run(out.read_bytes(), x.numpy())[0], loaded.network(x).numpy(), atol=1e-4)
    facts = facts_of(out)
    assert facts["vsr.weights_sha256"] == loaded.sha256
    assert facts["vsr.network"] == "espcn"
    assert facts["vsr.scale"] == "2"
    assert facts["vsr.input"] == "any size, Y of BT.601 as code / 255, as float32"


def test_onnx_of_planes_says_their_size_and_colour(vsr: Run, tmp_path: Path) -> None:
    out = tmp_path / "planes.onnx"
    flags = ("--form", "planes", "--size", "17x11", "--pix-fmt", "yuv420p10le", "--network", "bicubic")
    assert vsr("export", out, *flags)[0] == 0
    model = onnx.load(str(out))
    assert [one.name for one in (*model.graph.input, *model.graph.output)] == ["y", "u", "v", "out_y", "out_u", "out_v"]
    words = facts_of(out)["vsr.input"]
    assert words.startswith("17x11 4:2:0, 10 bits, matrix SMPTE 170M")
    assert "limited range, chroma sited left, as uint16" in words


def test_openvino_ir(vsr: Run, tmp_path: Path) -> None:
    openvino: Any = pytest.importorskip("openvino")
    out = tmp_path / "ecbsr.xml"
    flags = ("--network", "ecbsr", "--precision", "fp16", "--size", "12x9", "--batch", 1)
    assert vsr("export", out, *flags)[0] == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ecbsr.bin", "ecbsr.xml"]
    core = openvino.Core()
    model = core.read_model(out)
    assert model.get_rt_info(["vsr", "network"]).value == "ecbsr"
    x = torch.rand(1, 1, 9, 12)
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    (result,) = compiled(x.numpy()).values()
    np.testing.assert_allclose(result, load("ecbsr", 2).network(x).numpy(), atol=2e-3)


def test_an_engine_for_a_gpu_elsewhere(vsr: Run, tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt_rtx is not installed: pip install tensorrt-rtx-cu13")
    out = tmp_path / "bicubic.engine"
    flags = ("--network", "bicubic", "--size", "16x16", "--batch", "1:2:4")
    code, said, _ = vsr("export", out, *flags, "--compute-capability", "8.6")
    assert code == 0
    assert "library tensorrt_rtx" in said
    assert out.stat().st_size > 100_000


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--size", "16"), "--size is '16'"),
        (("--batch", "1:2"), "--batch is '1:2'"),
        (("--compute-capability", "sm86"), "--compute-capability is 'sm86'"),
        (("--form", "planes", "--size", "8x8", "--pix-fmt", "yuv"), "--pix-fmt is 'yuv'"),
        (("--precision", "int8"), "int8"),
    ],
)
def test_a_wrong_option_is_named(flags: tuple[str, ...], words: str, vsr: Run, tmp_path: Path) -> None:
    code, _, said = vsr("export", tmp_path / "out.onnx", *flags)
    assert code == UsageError.exit_code
    assert words in said
    assert list(tmp_path.iterdir()) == []


def test_a_failed_export_leaves_the_old_file(vsr: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out.onnx"
    out.write_text("mine")
    assert vsr("export", out, "--network", "bicubic")[0] == UsageError.exit_code

    def refuse(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_run, "to_onnx", lambda form, facts: b"graph")
    monkeypatch.setattr(Path, "write_bytes", refuse)
    code, _, said = vsr("export", out, "--network", "bicubic", "--overwrite")
    assert (code, "No space left on device" in said) == (4, True)
    assert [file.name for file in tmp_path.iterdir()] == ["out.onnx"]
    assert out.read_text() == "mine"
