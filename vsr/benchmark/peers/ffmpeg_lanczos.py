"""FFmpeg's scaler with Lanczos, between the same decoder and no encoder as vsr.

python -m vsr.benchmark.peers.ffmpeg_lanczos CLIP SCALE
"""

import json
import sys
import time
from collections.abc import Sequence

from vsr.benchmark.clips import Clip
from vsr.benchmark.peers.contender import Contender
from vsr.flow import Flow
from vsr.io.scaler import lanczos
from vsr.io.source import VideoSource
from vsr.notices import Notices
from vsr.spec import PipelineSpec


def contenders(clips: Sequence[Clip], scale: int) -> tuple[Contender, ...]:
    """One for each clip."""
    return tuple(_contender(clip, scale) for clip in clips)


def _contender(clip: Clip, scale: int) -> Contender:
    command = (sys.executable, "-m", "vsr.benchmark.peers.ffmpeg_lanczos", str(clip.path), str(scale))
    return Contender("ffmpeg-lanczos", f"x{scale}", clip.info.width, clip.info.height, command)


def main(path: str, scale: int) -> None:
    """Decode on one thread (with FFmpeg's own behind it), scale on another, drop the frames here."""
    spec = PipelineSpec(path, "")
    with VideoSource(spec, Notices(), video_only=True) as source, Flow() as flow:
        info = source.info
        cpu_s, began_s = time.process_time(), time.perf_counter()
        decoded = flow.buffer(source, depth=spec.read_ahead, name="decode")
        scaled = lanczos(decoded, info, info.width * scale, info.height * scale)
        laps_s = [time.perf_counter() - began_s for _ in flow.buffer(scaled, depth=spec.write_ahead, name="upscale")]
        times = {"wall_s": time.perf_counter() - began_s, "cpu_s": time.process_time() - cpu_s, "laps_s": laps_s}
    print(json.dumps(times))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
