"""``vsr export``: a network as a file for another runtime."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from vsr.cli.shown import shown_in_line


def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File to write: .onnx, .xml (OpenVINO) or .engine.")],
    *,
    network: Annotated[
        str | None, typer.Option(help="Network, see 'vsr models' (what the weights are for, else lrsrn).")
    ] = None,
    scale: Annotated[int | None, typer.Option(help="Factor: 2, 3 or 4 (that of the weights, else 2).")] = None,
    weights: Annotated[
        str | None, typer.Option(help="Shipped weights by name, or a file: .safetensors, .pth, .onnx (what ships).")
    ] = None,
    file_format: Annotated[
        str | None, typer.Option("--format", help="onnx, openvino or tensorrt (by OUT's extension).")
    ] = None,
    form: Annotated[
        str, typer.Option(help="network: float RGB or luma in and out. planes: video planes, all colour work inside.")
    ] = "network",
    size: Annotated[
        str | None, typer.Option(help="WIDTHxHEIGHT of the input (free; planes and engines need it).")
    ] = None,
    pix_fmt: Annotated[str | None, typer.Option(help="Of the planes, on both sides (yuv420p).")] = None,
    batch: Annotated[
        str | None, typer.Option(help="Frames at once: a number, or LEAST:USUAL:MOST of an engine (any; an engine 1).")
    ] = None,
    precision: Annotated[str, typer.Option(help="What is multiplied: fp32, fp16 or bf16.")] = "fp32",
    rgb: Annotated[bool, typer.Option("--rgb", help="Give a luma network RGB in and out; chroma is bicubic.")] = False,
    compute_capability: Annotated[
        str | None, typer.Option(help="GPU that an engine is for, such as 8.6 (this machine's).")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", "-y", help="Replace an existing file.")] = False,
) -> None:
    """Write a network with its weights for a runtime of your own, such as VapourSynth's vs-mlrt.

    What the input must be (its colour, range and size) is told, and stands in the file's metadata.
    """
    # torch takes seconds to import; `vsr --help` need not wait for it.
    from vsr.cli.run import tell
    from vsr.errors import UsageError
    from vsr.export.run import run_export
    from vsr.export.spec import ExportSpec
    from vsr.io import formats

    if pix_fmt is not None and not formats.exists(pix_fmt):
        raise UsageError(f"--pix-fmt is {pix_fmt!r}, which FFmpeg does not know; give one such as yuv420p10le")
    flags: dict[str, Any] = {
        "weights": weights, "format": file_format, "form": form, "size": _size(size) if size else None,
        "layout": formats.layout_of(pix_fmt) if pix_fmt else None, "precision": precision, "as_rgb": rgb,
        "batch": _batch(batch) if batch else None, "overwrite": overwrite,
        "compute_capability": _capability(compute_capability) if compute_capability else None,
    }  # fmt: skip
    spec = ExportSpec(out, network, scale, **flags)
    facts = run_export(spec, progress=tell)
    words = ", ".join(f"{key} {value}" for key, value in facts.items() if key != "weights_sha256")
    print(shown_in_line(f"{out}: {words}"))


def _size(text: str) -> tuple[int, int]:
    """``"960x540"`` -> (960, 540). Raises UsageError."""
    width, height = _numbers(text, r"(\d{1,5})x(\d{1,5})", "--size", "WIDTHxHEIGHT such as 960x540")
    return width, height


def _batch(text: str) -> tuple[int, int, int]:
    """``"4"`` -> (4, 4, 4), ``"1:4:8"`` -> (1, 4, 8). Raises UsageError."""
    pattern = r"(\d{1,4})(?::(\d{1,4}):(\d{1,4}))?"
    least, usual, most = _numbers(text, pattern, "--batch", "a number such as 4, or LEAST:USUAL:MOST such as 1:4:8")
    return least, usual or least, most or least


def _capability(text: str) -> tuple[int, int]:
    """``"8.6"`` -> (8, 6). Raises UsageError."""
    major, minor = _numbers(text, r"(\d{1,2})\.(\d)", "--compute-capability", "a number such as 8.6")
    return major, minor


def _numbers(text: str, pattern: str, option: str, wanted: str) -> tuple[int, ...]:
    from vsr.errors import UsageError

    match = re.fullmatch(pattern, text.lower())
    if match is None:
        raise UsageError(f"{option} is {text!r}; give {wanted}")
    return tuple(int(group or 0) for group in match.groups())
