"""What makes no sense as an export is refused before anything is loaded, with what to do."""

from pathlib import Path
from typing import Any

import pytest

from vsr.errors import SinkError, UsageError, VsrError
from vsr.export.spec import ExportSpec
from vsr.frames import MATRIX_BT709, MATRIX_RGB, MATRIX_SMPTE170M, PixelLayout

GRAY = PixelLayout("gray", 8)


def spec(folder: Path, name: str = "out.onnx", **options: Any) -> ExportSpec:
    return ExportSpec(folder / name, "lrsrn", 2, **options)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("out", {}, "has no extension that tells the format"),
        ("out.pth", {}, "has no extension that tells the format"),
        ("out.onnx", {"format": "tflite"}, "choose one of: onnx, openvino, tensorrt"),
        ("out.onnx", {"format": "openvino"}, r"name it \.xml"),
        ("out.onnx", {"form": "frames"}, "choose one of: network, planes"),
        ("out.onnx", {"precision": "fp8"}, "--precision is 'fp8'; choose one of"),
        ("out.onnx", {"precision": "int8"}, "int8 can't be exported as onnx; use: fp32, fp16, bf16"),
        ("out.xml", {"precision": "bf16"}, "bf16 can't be exported as openvino; use: fp32, fp16"),
        ("out.onnx", {"form": "planes"}, "needs --size"),
        ("out.onnx", {"form": "planes", "size": (8, 8), "as_rgb": True}, "--rgb is for --form network"),
        ("out.onnx", {"layout": GRAY}, "--pix-fmt is for --form planes"),
        ("out.engine", {}, "give --size"),
        ("out.onnx", {"compute_capability": (8, 6)}, "for TensorRT engines only"),
        ("out.onnx", {"batch": (1, 2, 4)}, "is for TensorRT engines"),
        ("out.engine", {"size": (8, 8), "batch": (4, 2, 1)}, "must not fall"),
        ("out.engine", {"size": (8, 8), "batch": (0, 0, 0)}, "at least 1"),
    ],
)
def test_nonsense_is_refused(name: str, options: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        spec(tmp_path, name, **options)


def test_an_existing_file_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "out.onnx").write_text("mine")
    with pytest.raises(UsageError, match="--overwrite"):
        spec(tmp_path)
    assert spec(tmp_path, overwrite=True).file_format == "onnx"


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="does not exist"):
        spec(tmp_path / "absent")


@pytest.mark.parametrize(
    ("name", "expected"), [("a.onnx", "onnx"), ("a.XML", "openvino"), ("a.engine", "tensorrt"), ("a.plan", "tensorrt")]
)
def test_the_extension_tells_the_format(name: str, expected: str, tmp_path: Path) -> None:
    assert spec(tmp_path, name, size=(8, 8)).file_format == expected


@pytest.mark.parametrize(
    ("height", "layout", "matrix", "full_range"),
    [
        (576, None, MATRIX_SMPTE170M, False),
        (720, None, MATRIX_BT709, False),
        (720, PixelLayout("rgb", 8), MATRIX_RGB, True),
    ],
)
def test_the_colour_of_planes_goes_by_the_usual_rule(
    height: int, layout: PixelLayout | None, matrix: int, full_range: bool, tmp_path: Path
) -> None:
    source = spec(tmp_path, form="planes", size=(100, height), layout=layout).source
    assert (source.color.matrix, source.color.full_range, source.color.chroma_location) == (matrix, full_range, "left")


@pytest.mark.parametrize(
    ("name", "batch", "fixed"),
    [
        ("a.onnx", None, None),
        ("a.onnx", (3, 3, 3), 3),
        ("a.engine", None, 1),
        ("a.engine", (1, 4, 8), None),
    ],
)
def test_how_many_frames_go_in_at_once(
    name: str, batch: tuple[int, int, int] | None, fixed: int | None, tmp_path: Path
) -> None:
    assert spec(tmp_path, name, batch=batch, size=(8, 8)).fixed_batch == fixed


def test_every_refusal_is_a_vsr_error() -> None:
    with pytest.raises(VsrError):
        ExportSpec(Path("out"), "lrsrn", 2)
