"""A file that names others: nothing that it names is opened, here or on the network, whatever its own name is."""

from pathlib import Path

import pytest

from tests.hostile.conftest import Server, Vsr
from tests.io.making import Recipe, make
from vsr.errors import SourceError, UsageError

HLS = """#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:10
#EXT-X-MEDIA-SEQUENCE:0
#EXTINF:0.4,
{target}
#EXT-X-ENDLIST
"""
MASTER = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000,CODECS="avc1.42e00a"\n{target}\n'
ENCRYPTED = HLS.replace("#EXTINF", '#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXTINF')
CONCAT = "ffconcat version 1.0\nfile '{target}'\n"
DASH = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S" minBufferTime="PT1S"
 profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4">
<Representation id="1" bandwidth="1" width="64" height="48" codecs="avc1.42e00a"><BaseURL>{target}</BaseURL>
</Representation></AdaptationSet></Period></MPD>
"""
SMIL = '<smil><body><video src="{target}"/></body></smil>\n'
SDP = (
    "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 50004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
)

LISTS = {"hls": HLS, "master": MASTER, "key": ENCRYPTED, "concat": CONCAT, "dash": DASH, "smil": SMIL, "sdp": SDP}
NAMES = {
    "hls": "m3u8",
    "master": "m3u8",
    "key": "m3u8",
    "concat": "ffconcat",
    "dash": "mpd",
    "smil": "smil",
    "sdp": "sdp",
}
TARGETS = (
    "{folder}/secret.ts",
    "file:{folder}/secret.ts",
    "{url}/secret.ts",
    "subfile,,start,0,end,0,,:{folder}/secret.ts",
    "concat:{folder}/secret.ts",
    "crypto+file:{folder}/secret.ts",
    "data:video/mp2t;base64,R0AREA==",
)


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("suffix", ["own", "mp4"])
def test_a_list_of_files_opens_none(kind: str, suffix: str, tmp_path: Path, server: Server, vsr: Vsr) -> None:
    make(tmp_path / "secret.ts", Recipe())
    make(server.folder / "secret.ts", Recipe())
    source = tmp_path / f"list.{NAMES[kind] if suffix == 'own' else suffix}"
    for target in TARGETS:
        source.write_text(LISTS[kind].format(target=target.format(folder=tmp_path, url=server.url)), encoding="utf-8")
        said = vsr("run", source, tmp_path / "out.mkv", "--network", "bicubic")
        assert said.code == SourceError.exit_code, said
        assert "--allow-network" in said.line
        assert "opens the file that it is given" in said.line
    assert server.asked == []
    assert not (tmp_path / "out.mkv").exists()


@pytest.mark.parametrize("before", ["\ufeff", "\n \n", "# a comment\n", "x" * 5000 + "\n"])
def test_what_hides_a_list_hides_it_from_nobody(before: str, tmp_path: Path, server: Server, vsr: Vsr) -> None:
    make(server.folder / "secret.ts", Recipe())
    for kind, words in LISTS.items():
        source = tmp_path / f"list.{NAMES[kind]}"
        source.write_text(before + words.format(target=f"{server.url}/secret.ts"), encoding="utf-8")
        assert vsr("run", source, tmp_path / "out.mkv", "--network", "bicubic").code == SourceError.exit_code
    assert server.asked == []


@pytest.mark.parametrize("command", ["info", "compare", "bench", "eval", "live"])
def test_every_command_refuses_a_list(command: str, tmp_path: Path, server: Server, vsr: Vsr) -> None:
    make(server.folder / "secret.ts", Recipe())
    source = tmp_path / "list.mp4"
    source.write_text(HLS.format(target=f"{server.url}/secret.ts"), encoding="utf-8")
    arguments: dict[str, tuple[str | Path, ...]] = {
        "info": (source,),
        "compare": (source, source, "--out", tmp_path / "page.html"),
        "bench": ("--input", source, "--network", "bicubic", "--backend", "torch", "--device", "cpu"),
        "eval": ("--video", source, "--network", "bicubic"),
        "live": (source, tmp_path / "out.mkv", "--realtime", "--network", "bicubic"),
    }
    said = vsr(command, *arguments[command])
    assert said.code == SourceError.exit_code, said
    assert "HLS" in said.line
    assert server.asked == []


PREFIXES = (
    "concat:{}", "concat:{0}|{0}", "subfile,,start,0,end,0,,:{}", "file:{}", "async:{}", "cache:{}", "crypto:{}",
    "pipe:0", "fd:0", "data:video/mp4;base64,AAAA", "tee:{}", "unix:{}", "movie={}", "testsrc", "md5:",
)  # fmt: skip


@pytest.mark.parametrize("name", PREFIXES)
def test_a_name_is_no_protocol(name: str, clips: Path, tmp_path: Path, vsr: Vsr) -> None:
    said = vsr("run", name.format(clips / "clip.mp4"), tmp_path / "out.mkv", "--network", "bicubic")
    assert said.code == SourceError.exit_code
    assert "does not exist" in said.line


@pytest.mark.parametrize(
    "name", ["concat:a.mp4", "file:b.mp4", "pipe:0", "a:b.mp4", "at %02d.mp4", "100%.mp4", "a*?[b].mp4"]
)
def test_a_file_of_any_name_is_that_file(
    name: str, clips: Path, tmp_path: Path, vsr: Vsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes((clips / "clip.mp4").read_bytes())
    for output in ("out.mkv", "concat:out.mkv", "file:out.mkv"):
        assert vsr("run", name, output, "--network", "bicubic", "--codec", "ffv1").code == 0
        assert Path(output).stat().st_size > 1000


@pytest.mark.parametrize(
    "name", ["{}/clip.mp4", "rtmp://127.0.0.1:9/live", "ftp://127.0.0.1/a", "FILE://{}", "HTTP://x/y"]
)
def test_an_address_needs_leave(name: str, clips: Path, tmp_path: Path, server: Server, vsr: Vsr) -> None:
    (server.folder / "clip.mp4").write_bytes((clips / "clip.mp4").read_bytes())
    said = vsr("run", name.format(server.url), tmp_path / "out.mkv", "--network", "bicubic")
    assert said.code == UsageError.exit_code
    assert "--allow-network" in said.line
    assert server.asked == []


@pytest.mark.parametrize("scheme", ["file", "ftp", "gopher", "concat", "smb", "lavfi"])
def test_leave_for_the_network_is_none_for_files(scheme: str, clips: Path, tmp_path: Path, vsr: Vsr) -> None:
    said = vsr("run", f"{scheme}://{clips}/clip.mp4", tmp_path / "out.mkv", "--allow-network", "--network", "bicubic")
    assert said.code == UsageError.exit_code
    assert f"'{scheme}' addresses are not read" in said.line


def test_with_leave_a_server_is_read(clips: Path, tmp_path: Path, server: Server, vsr: Vsr) -> None:
    (server.folder / "clip.mp4").write_bytes((clips / "clip.mp4").read_bytes())
    make(server.folder / "part.ts", Recipe())
    (server.folder / "list.m3u8").write_text(HLS.format(target="part.ts"), encoding="utf-8")
    for name in ("clip.mp4", "list.m3u8"):
        said = vsr("run", f"{server.url}/{name}", tmp_path / f"{name}.mkv", "--allow-network", "--network", "bicubic")
        assert said.code == 0, said
        assert f"/{name}" in server.asked
        assert vsr("info", f"{server.url}/{name}", "--allow-network").code == 0
    assert "/part.ts" in server.asked


@pytest.mark.parametrize("target", ["file://{folder}/secret.ts", "file:{folder}/secret.ts", "{folder}/secret.ts"])
@pytest.mark.parametrize("kind", ["hls", "master"])
def test_a_list_from_a_server_opens_no_file_here(
    kind: str, target: str, tmp_path: Path, server: Server, vsr: Vsr
) -> None:
    make(tmp_path / "secret.ts", Recipe())
    (server.folder / "list.m3u8").write_text(
        LISTS[kind].format(target=target.format(folder=tmp_path)), encoding="utf-8"
    )
    said = vsr("run", f"{server.url}/list.m3u8", tmp_path / "out.mkv", "--allow-network", "--network", "bicubic")
    assert said.code == SourceError.exit_code
    assert not (tmp_path / "out.mkv").exists()


def test_a_password_is_in_no_message_and_no_report(clips: Path, tmp_path: Path, server: Server, vsr: Vsr) -> None:
    (server.folder / "clip.mp4").write_bytes((clips / "clip.mp4").read_bytes())
    folder = server.url.replace("http://", "http://user:hidden@")
    report = tmp_path / "report.json"
    for name, *options in (
        ["clip.mp4"],
        ["absent.mp4", "--allow-network"],
        ["clip.mp4", "--allow-network", "--max-pixels", "9"],
    ):
        said = vsr("run", f"{folder}/{name}", tmp_path / "out.mkv", "--network", "bicubic", *options)
        assert said.code
        assert "user:...@" in said.line
        assert "hidden" not in said.line
    options = ["--network", "bicubic", "--allow-network", "--json", str(report)]
    assert vsr("run", f"{folder}/clip.mp4", tmp_path / "out.mkv", *options).code == 0
    assert "user:...@" in report.read_text(encoding="utf-8")
    assert "hidden" not in report.read_text(encoding="utf-8")
