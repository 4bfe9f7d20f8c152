"""What a preset's file may set of an encoder: its quality and its speed, and nothing that could name another file.

Encoders write statistics, logs and analyses wherever an option says. A preset may come from others; what a run may
touch is for its user to say.
"""

import re
from collections.abc import Mapping

from vsr.errors import UsageError


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ALLOWED = _names(
    """
    8x8dct adaptive_b adaptive_i alpha_bits aq-mode aq-strength aq_mode arnr-maxframes arnr-strength arnr-type
    async_depth auto-alt-ref b b-bias b-pyramid b_adapt b_qfactor b_qoffset b_ref_mode b_strategy bf bits_per_mb
    bufsize chromaoffset coder compression_level context cplxblur cpu-used cq crf crf_max deadline deblock
    direct-pred enable-cdef enable-global-motion enable-intrabc enable-restoration extbrc fast-pskip forced-idr g
    global_quality huffman i_qfactor i_qoffset intra-refresh keyint_min lag-in-frames level look_ahead
    look_ahead_depth lossless low_power max-intra-rate maxrate mbs_per_slice mbtree me_method me_range minrate
    mixed-refs motion-est multipass nal-hrd noise-sensitivity overshoot-pct partitions pred preset profile psy
    psy-rd qblur qcomp qdiff qmax qmin qp quality rc rc-lookahead rc_mode refs row-mt sc_threshold sharpness
    slice-max-size slicecrc slices spatial-aq static-thresh strict_gop subq temporal-aq threads tier tile-columns
    tile-rows tiles trellis tune undershoot-pct usage vendor weightb weighted_pred weightp zerolatency
    """
)
_X264 = _names(
    """
    8x8dct aq-mode aq-strength b-adapt b-bias b-pyramid bframes bitrate bluray-compat cabac chroma-me
    chroma-qp-offset constrained-intra cplxblur crf crf-max dct-decimate deadzone-inter deadzone-intra deblock
    direct fast-pskip ipratio keyint level lookahead-threads mbtree me merange min-keyint mixed-refs mvrange nal-hrd
    nr open-gop partitions pbratio psy psy-rd qblur qcomp qp qpmax qpmin qpstep ratetol rc-lookahead ref scenecut
    sliced-threads slices subme sync-lookahead threads trellis vbv-bufsize vbv-init vbv-maxrate weightb weightp
    """
)
_X265 = _names(
    """
    amp aq-mode aq-motion aq-strength b-adapt b-intra b-pyramid bframe-bias bframes bitrate cbqpoffs
    constrained-intra cplxblur crf crf-max crf-min crqpoffs ctu cu-lossless cutree deblock early-skip fades
    fast-intra frame-threads gop-lookahead hevc-aq high-tier intra-refresh ipratio keyint level-idc limit-modes
    limit-refs limit-sao limit-tu log-level lookahead-slices lookahead-threads lossless max-merge max-tu-size me
    merange min-cu-size min-keyint nr-inter nr-intra open-gop pbratio pme pmode pools psy-rd psy-rdoq qblur qcomp
    qg-size qp qpmax qpmin qpstep radl rc-lookahead rd rd-refine rdoq-level rect ref repeat-headers rskip
    rskip-edge-threshold sao sao-non-deblock scenecut scenecut-bias selective-sao signhide slices splitrd-skip
    ssim-rd strong-intra-smoothing subme temporal-mvp tskip tskip-fast tu-inter-depth tu-intra-depth vbv-bufsize
    vbv-end vbv-init vbv-maxrate weightb weightp wpp
    """
)
_SVT_AV1 = _names(
    """
    aq-mode bias-pct crf enable-cdef enable-dlf enable-mfmv enable-overlays enable-qm enable-restoration enable-tf
    enable-variance-boost fast-decode film-grain film-grain-denoise hierarchical-levels irefresh-type keyint
    lookahead lossless lp luminance-qp-bias max-qp mbr min-qp overshoot-pct pred-struct preset qm-max qm-min qp
    qp-scale-compress-strength rc recode-loop scd scm sharpness startup-mg-size tbr tile-columns tile-rows tune
    undershoot-pct variance-boost-strength variance-octile
    """
)
_WITHIN: Mapping[str, frozenset[str]] = {"x264-params": _X264, "x265-params": _X265, "svtav1-params": _SVT_AV1}
"""Options that hold options of the encoder's library, ``KEY=VALUE:KEY=VALUE``, and which of these."""
_PLAIN = re.compile(r"(?:no-)?([a-z0-9_-]+)(?:=[A-Za-z0-9,.+-]*)?")
"""One of those, in letters that no reader takes for a quote or another separator."""
_SHOWN = 80
"""Characters of what was met, at most."""


def check_encoder_options(options: Mapping[str, object], preset: str) -> None:
    """UsageError if one of the ``encoder_options`` in the file ``preset`` is not among those that a file may set."""
    for key, value in options.items():
        inner = _WITHIN.get(key)
        refused = None
        if inner is not None:
            refused = next((part for part in str(value).split(":") if not _is_one_of(inner, part)), None)
        elif key not in _ALLOWED:
            refused = str(value)
        if refused is not None:
            met = f"{key}={refused}"[:_SHOWN]
            raise UsageError(
                f"pipeline preset '{preset}' sets {met!r}, which is not for a file to set: it may name other files; "
                f"give it with --encoder-opt {key}=... if you mean it"
            )


def _is_one_of(allowed: frozenset[str], option: str) -> bool:
    match = _PLAIN.fullmatch(option)
    return match is not None and match[1].replace("_", "-") in allowed
