"""Layouts: the ways in which others name the tensors of the networks that vsr has, one file a family."""

from collections.abc import Mapping
from pathlib import Path

import torch

from vsr.errors import NetworkError
from vsr.networks.layouts import imdn, lesrcnn, litesrnet, lrsrn, luma, span, srvgg
from vsr.networks.layouts.layout import Given, Layout, Recognised

LAYOUTS: tuple[Layout, ...] = (
    *lrsrn.LAYOUTS,
    *litesrnet.LAYOUTS,
    *lesrcnn.LAYOUTS,
    *imdn.LAYOUTS,
    *srvgg.LAYOUTS,
    *span.LAYOUTS,
    *luma.LAYOUTS,
)


def recognise(tensors: Mapping[str, torch.Tensor], path: Path) -> Recognised | None:
    """What the tensors of ``path`` are in one of the layouts; None where they are of no layout.

    Raises NetworkError where they are of a layout but not all of it is there, or something else is, or the network is
    one that vsr has not.
    """
    layout = next((one for one in LAYOUTS if one.matches(tensors)), None)
    if layout is None:
        return None
    given = Given(tensors, path, layout.title)
    try:
        recognised = layout.convert(given)
    except (ArithmeticError, LookupError, RuntimeError, ValueError) as exc:
        raise NetworkError(
            f"{path}, of the layout {layout.title}, has tensors of unfitting shapes; get it again"
        ) from exc
    given.finish()
    return recognised


__all__ = ["LAYOUTS", "Recognised", "recognise"]
