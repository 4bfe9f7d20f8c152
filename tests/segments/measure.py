"""What a film in pieces costs besides its pictures, measured here: figures for ``scripts/simulate-cluster``.

    python -m tests.segments.measure [--minutes 5] [--json FILE]

The sample is made into a film of 960x540 and upscaled to 1920x1080, by interpolation so that it takes minutes only,
once in pieces and once in one go. The bit rates that came of it are told too, for the costs go by packets as well.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.soak.endless import repeat
from vsr import upscaled_frames
from vsr.io.still import write_rgb
from vsr.segments import job
from vsr.segments.contract import Piece, PieceRecord
from vsr.segments.manifest import Manifest
from vsr.segments.place import Place
from vsr.spec import make_spec

if TYPE_CHECKING:
    from vsr.report import RunReport

SAMPLE = Path(__file__).parents[2] / "samples" / "big-buck-bunny.mp4"
SEGMENT_S = 10.0
PIECES = 240
"""Of the manifest whose saving is timed: as many as a film of two hours has."""
SAVES = 50


def upscaled(source: Path, output: Path, segment_s: float) -> RunReport:
    """By interpolation; ``segment_s`` of 0: in one go."""
    spec = make_spec(
        str(source), str(output), network="bicubic", codec="libx264", preset="ultrafast", crf=20.0, segment_s=segment_s
    )
    return job.run(spec)


def saving_s(folder: Path) -> float:
    """Of a manifest of ``PIECES`` finished pieces, flushed to disk."""
    piece = Piece(0, 1 << 40, 1 << 40, 1 << 40)
    record = PieceRecord(0, 750, 1 << 26, "0" * 64, 3600.0, 3630.0, 0, 0, "a device of some name", "torch", "fp32")
    pieces = tuple(replace(piece, index=index) for index in range(PIECES))
    manifest = Manifest({}, {}, pieces, tuple(replace(record, index=index) for index in range(PIECES)))
    with Place(str(folder / "film.mkv")) as place:
        began = time.perf_counter()
        for _ in range(SAVES):
            place.save(manifest)
        taken_s = time.perf_counter() - began
        place.clear()
    return taken_s / SAVES


def starting_s(once: Path, folder: Path) -> float:
    """A process from its start to the end of a picture by ``balanced``, whose compiled form is there already."""
    picture = folder / "one.png"
    command = [sys.executable, "-m", "vsr", "run", str(picture), str(folder / "large.png"), "--network", "balanced"]
    frame = next(upscaled_frames(once, network="bicubic"))
    write_rgb(picture, frame.rgb().astype(np.uint8))
    taken_s = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([*command, "--quiet", "--overwrite"], check=True)
        taken_s.append(time.perf_counter() - began)
    return min(taken_s)


def measure(minutes: float) -> dict[str, Any]:
    """The figures, by the names of ``scripts/simulate-cluster``'s options."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        once, film = folder / "once.mkv", folder / "film.mkv"
        upscaled(SAMPLE, once, 0)
        repeat(once, film, minutes * 60)
        whole = upscaled(film, folder / "whole.mkv", 0)
        seconds = float(whole.frames_in / Fraction(whole.input["frame_rate"]))
        pieces = upscaled(film, folder / "pieces.mkv", SEGMENT_S)
        assert pieces.segments is not None
        source_mb, output_mb = film.stat().st_size * 1e-6, (folder / "pieces.mkv").stat().st_size * 1e-6
        cut_s, join_s, count = pieces.segments.scan_s, pieces.segments.join_s, pieces.segments.total
        return {
            "source_mbit_s": source_mb * 8 / seconds,
            "output_mbit_s": output_mb * 8 / seconds,
            "scan_mb_s": source_mb / cut_s,
            "join_mb_s": output_mb / join_s,
            "open_s": (pieces.wall_s - join_s - whole.wall_s) / count,
            "book_s": saving_s(folder),
            "start_s": starting_s(once, folder),
        }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0, help="length of the film")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    arguments = parser.parse_args()
    figures = measure(arguments.minutes)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    options = (f"--{name.replace('_', '-')} {value:.3g}" for name, value in figures.items())
    print("scripts/simulate-cluster " + " ".join(options))


if __name__ == "__main__":
    main()
