"""What FFmpeg is told that an input may lead to, and that this is what it takes it for."""

from pathlib import Path

import av
import pytest

from vsr.errors import SourceError
from vsr.io import allowed
from vsr.io.opening import open_input
from vsr.spec import make_spec

# Each opens what the file names, a device, or an address.
_LEADING_ELSEWHERE = {
    "hls", "dash", "concat", "imf", "lavfi", "rtsp", "rtp", "sdp", "sap", "mlv", "vobsub", "webm_dash_manifest",
    "avisynth", "vapoursynth", "libgme", "svg_pipe", "alias_pix", "brender_pix", "fbdev", "x11grab", "v4l2",
    "video4linux2", "oss", "alsa", "kmsgrab", "data", "ffmetadata",
}  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [allowed.for_file(), allowed.for_file(numbered=True), allowed.for_bytes()],
    ids=["file", "numbered pictures", "bytes"],
)
def test_what_is_here_leads_nowhere_else(options: dict[str, str]) -> None:
    assert options["protocol_whitelist"] in ("file", "")
    assert not _LEADING_ELSEWHERE & set(options["format_whitelist"].split(","))


@pytest.mark.parametrize("scheme", allowed.SCHEMES)
def test_what_is_there_leads_nowhere_here(scheme: str) -> None:
    options = allowed.for_address(scheme)
    local = {"file", "pipe", "fd", "concat", "concatf", "subfile", "data", "unix", "cache", "async", "tee", "ALL"}
    assert not local & set(options["protocol_whitelist"].split(","))
    assert not {"concat", "lavfi", "image2", "sdp"} & set(options["format_whitelist"].split(","))


def test_every_name_is_a_demuxer_s() -> None:
    """A misspelt one would let nothing through, and nobody would know."""
    known = {word for name in av.formats_available for word in name.split(",")}
    assert set(allowed.for_file()["format_whitelist"].split(",")) <= known


def test_planes_in_three_files_are_not_opened_by_one_of_them(tmp_path: Path) -> None:
    for suffix in "YUV":
        (tmp_path / f"clip.{suffix}").write_bytes(bytes(352 * 288))
    with pytest.raises(SourceError, match="not take"):
        open_input(make_spec(str(tmp_path / "clip.Y"), ""))


def test_a_demuxer_is_known_by_any_word_of_its_name(clips: object) -> None:
    for word in ("mov", "mp4", "3gp"):
        with av.open(
            f"file:{clips}/clip.mp4", options={"format_whitelist": word, "protocol_whitelist": "file"}
        ) as file:
            assert file.format.name.startswith("mov,mp4")
    with pytest.raises(av.ArgumentError):
        av.open(f"file:{clips}/clip.mp4", options={"format_whitelist": "mo,mp,mov,mp4,x".replace("mov,mp4,", "")})
