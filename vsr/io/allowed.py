"""What an input may open beside itself: FFmpeg's protocols and demuxers, told by where the input comes from.

FFmpeg finds a demuxer by a file's content, whatever its name, and some demuxers open what the content names: other
files, addresses, devices. So every input is opened with two lists of what may be (``protocol_whitelist`` and
``format_whitelist``); FFmpeg hands them on to whatever a demuxer opens in turn. A demuxer whose name is several words
(``mov,mp4,...``) is on a list when one of them is.
"""

from __future__ import annotations

from vsr.errors import SourceError, UsageError

_CONTAINERS = (
    "4xm apng asf asf_o avi avs bethsoftvid bfi bink bmv c93 cdxl cine dfa dhav dsicin dv dxa ea film_cpk "
    "filmstrip flic flv frm gdv gif gxf hnm idcin ifv ipmovie ivf ivr iv8 jpegxl_anim jv kux live_flv lmlm4 lvf lxf "
    "matroska mm moflex mov mpeg mpegts mpjpeg msnwctcp mtv mv mvi mxf mxg nsv nut nuv obu ogg paf pdv pmp pva r3d rl2 "
    "rm roq rpl ser sga simbiosis_imx siff smk smush swf thp tiertexseq tmv ty txd vc1test vivo vmd webm wsvqa wtv xmv "
    "yop yuv4mpegpipe"
)
_STREAMS = (
    "apv av1 avs2 avs3 cavsvideo dirac dnxhd evc h261 h263 h264 hevc m4v mjpeg mjpeg_2000 mpegvideo rawvideo vc1 vvc"
)
# Without SVG, which may name other files.
_PICTURES = (
    "bmp_pipe cri_pipe dds_pipe dpx_pipe exr_pipe fits gem_pipe gif_pipe hdr_pipe j2k_pipe jpeg_pipe jpegls_pipe "
    "jpegxl_pipe jpegxs_pipe pam_pipe pbm_pipe pcx_pipe pfm_pipe pgm_pipe pgmyuv_pipe pgx_pipe phm_pipe photocd_pipe "
    "pictor_pipe png_pipe ppm_pipe psd_pipe qdraw_pipe qoi_pipe sgi_pipe sunrast_pipe tiff_pipe vbn_pipe webp_pipe "
    "xbm_pipe xpm_pipe xwd_pipe"
)
# The sound and the subtitles of a playlist from the network. Of files they only had to be said to hold no picture, and
# their tags (ID3) unpack without an end.
_SOUND = "aac ac3 aiff ape au caf dts eac3 flac mp3 truehd tta w64 wav webvtt wv"
_TAKEN = " ".join((_CONTAINERS, _STREAMS, _PICTURES)).split()

# The protocols that an address may lead to: a playlist from a server must open neither files nor other services.
_PROTOCOLS = {
    "rtsp": "rtsp,rtp,udp,tcp",
    "rtsps": "rtsps,rtsp,rtp,srtp,udp,tcp,tls",
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,rtmp,tls,tcp",
    "udp": "udp",
    "tcp": "tcp",
    "http": "http,https,httpproxy,tls,tcp,crypto",
    "https": "https,http,httpproxy,tls,tcp,crypto",
}
SCHEMES = tuple(_PROTOCOLS)
"""Of the addresses that FFmpeg reads for vsr."""
_NETWORK_FORMATS = {"rtsp": ["rtsp"], "rtsps": ["rtsp"], "http": ["hls", "dash"], "https": ["hls", "dash"]}

# By the first words of the file; FFmpeg would find some of them further on too, and then its list refuses them.
_PLAYLISTS = (
    (b"#EXTM3U", "an HLS or M3U playlist"),
    (b"ffconcat version", "a list of files to be joined (ffconcat)"),
    (b"[playlist]", "a PLS playlist"),
    (b"v=0", "a description of streams (SDP)"),
)
_XML_PLAYLISTS = (
    (b"<MPD", "a DASH manifest"),
    (b"<SmoothStreamingMedia", "a Smooth Streaming manifest"),
    (b"CompositionPlaylist", "an IMF composition"),
    (b"<ASX", "an ASX playlist"),
    (b"<smil", "a SMIL playlist"),
)
HEAD_BYTES = 4096
"""How much of a file ``refuse_playlist`` wants to see."""


def for_file(*, numbered: bool = False) -> dict[str, str]:
    """Options for a file of this machine, which may open nothing but itself; ``numbered``: one of many pictures."""
    # For numbered pictures alone: image2 takes files by their names, and opens two more beside one in .Y.
    if numbered:
        return {**_lists("file", ["image2"]), "pattern_type": "sequence"}
    return {**_lists("file", _TAKEN), "enable_drefs": "0"}


def for_bytes() -> dict[str, str]:
    """Options for bytes that are handed to FFmpeg, as from a pipe: they lead nowhere."""
    return _lists("", _TAKEN)


def for_address(scheme: str) -> dict[str, str]:
    """Options for a network address, which may lead to other addresses of its kind. Raises KeyError: see the schemes.

    Files of this machine are never among them.
    """
    return _lists(_PROTOCOLS[scheme], [*_TAKEN, *_SOUND.split(), *_NETWORK_FORMATS.get(scheme, [])])


def check_address(source: str, shown: str, *, allowed: bool) -> str:
    """The scheme of the network address ``source``, which messages call ``shown``.

    Raises UsageError where addresses are not allowed, or not of this scheme.
    """
    scheme = source.partition("://")[0].lower()
    if not allowed:
        raise UsageError(f"{shown} is a network address; vsr run and vsr info read it with --allow-network")
    if scheme not in SCHEMES:
        raise UsageError(f"{shown}: '{scheme}' addresses are not read; there are: {', '.join(SCHEMES)}")
    return scheme


def refuse_playlist(source: str, head: bytes) -> None:
    """Say what a file is that is a list of other files, by its first HEAD_BYTES. Raises SourceError."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    kind = next((kind for words, kind in _PLAYLISTS if text.startswith(words)), None)
    if text.startswith(b"<"):
        kind = next((kind for words, kind in _XML_PLAYLISTS if words in text), None)
    if kind is not None:
        raise SourceError(
            f"{source} is {kind}: vsr opens the file that it is given and none that it names; "
            "give the video itself, or the list's web address with --allow-network"
        )


def _lists(protocols: str, formats: list[str]) -> dict[str, str]:
    return {"protocol_whitelist": protocols, "format_whitelist": ",".join(formats)}
