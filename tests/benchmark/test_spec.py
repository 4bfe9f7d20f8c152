"""What a benchmark refuses before it opens anything."""

from typing import Any

import pytest

from vsr.benchmark.spec import BenchSpec, parse_clip_size
from vsr.errors import UsageError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"source": "a.mp4", "sizes": ((64, 48),)}, "leave it out with --input"),
        ({"networks": ()}, "no network"),
        ({"precisions": ("half",)}, "--precision is 'half'; choose one of: auto, fp32"),
        ({"peers": ("video2x",)}, "--vs is 'video2x'; choose one of: ffmpeg-lanczos"),
        ({"frames": 1}, "--frames is 1; it must be at least 2"),
        ({"rounds": 0}, "--rounds is 0"),
        ({"batch_size": 0}, "--batch-size is 0"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        BenchSpec(**options)


def test_without_a_clip_or_a_size_the_clip_is_960x540() -> None:
    assert BenchSpec().sizes == ((960, 540),)
    assert BenchSpec(source="a.mp4").sizes == ()


@pytest.mark.parametrize(
    ("codec", "preset", "expected"),
    [("libx264", None, "veryfast"), ("libx264", "slow", "slow"), ("ffv1", None, None), ("h264_nvenc", "p1", "p1")],
)
def test_the_preset_is_that_of_a_benchmark_only_where_it_exists(
    codec: str, preset: str | None, expected: str | None
) -> None:
    assert BenchSpec(codec=codec, preset=preset).encoder_preset == expected


def test_a_size_is_read() -> None:
    assert parse_clip_size("960X540") == (960, 540)


@pytest.mark.parametrize("text", ["960", "961x540", "8x8", "960x540x2", "99999x10", "axb"])
def test_a_size_that_no_clip_can_have_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="give an even WIDTHxHEIGHT"):
        parse_clip_size(text)
