"""The sink ``virtual-camera``: the stream as a camera that other programs can choose, by pyvirtualcam."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from vsr.errors import SinkError, UsageError
from vsr.frames import MATRIX_SMPTE170M, ColorSpace, PixelLayout
from vsr.io.picture import Canvas, Resizer

if TYPE_CHECKING:
    from vsr.io.live.contract import LiveAudio, LiveFrame

_LAYOUT = PixelLayout("yuv", 8, 1, 1)
_COLOR = ColorSpace(MATRIX_SMPTE170M, full_range=False)
"""What programs take a camera's 4:2:0 for."""
_DEFAULT_RATE = Fraction(25)


class VirtualCamera:
    """Its size is that of the first frame; later ones are fitted into it. ``device`` is None for any that is free."""

    audible = False
    returns = False

    def __init__(self, name: str, device: str | None):
        try:
            import pyvirtualcam  # noqa: F401
        except ImportError as exc:
            raise UsageError(f"the sink {name} needs pyvirtualcam: pip install 'vsr[live]'") from exc
        self.name = name
        self._device = device
        self._resizer = Resizer()
        self._camera: Any = None  # pyvirtualcam has no type hints

    def open(self, first: LiveFrame, *, audio: bool) -> None:  # noqa: ARG002 - it is silent
        import pyvirtualcam

        width, height = first.info.width + first.info.width % 2, first.info.height + first.info.height % 2
        self._canvas = Canvas(width, height, _LAYOUT, _COLOR)
        rate = float(first.info.frame_rate or _DEFAULT_RATE)
        try:
            self._camera = pyvirtualcam.Camera(
                width, height, rate, fmt=pyvirtualcam.PixelFormat.I420, device=self._device
            )
        except (RuntimeError, OSError) as exc:
            raise SinkError(f"{self.name} can't be opened: {' '.join(str(exc).split())}") from exc

    def write(self, frame: LiveFrame) -> None:
        picture = self._canvas.place(frame.frame, frame.info, self._resizer)
        try:
            self._camera.send(picture.to_ndarray())
        except (RuntimeError, OSError) as exc:
            raise SinkError(f"{self.name} can't be written: {' '.join(str(exc).split())}") from exc

    def hear(self, audio: LiveAudio) -> None:
        """Nothing: a camera is silent."""

    def finish(self) -> None:
        self.abort()

    def abort(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()
