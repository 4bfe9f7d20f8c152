"""PipelineSpec: presets, flags over them, and a clear refusal of everything that makes no sense."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from vsr.errors import UsageError
from vsr.spec import PipelineSpec, load_preset, make_spec, parse_rate, parse_size, preset_names


def preset_file(folder: Path, text: str) -> str:
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_defaults_leave_the_choice_to_source_and_container() -> None:
    spec = PipelineSpec("a", "b")
    assert (spec.scale, spec.to, spec.codec, spec.crf, spec.pix_fmt) == (None,) * 5
    assert (spec.network, spec.backend, spec.device, spec.precision) == (None, "auto", "auto", "auto")


@pytest.mark.parametrize("name", preset_names())
def test_every_shipped_preset_makes_a_spec(name: str) -> None:
    preset = load_preset(name)
    assert preset.summary
    spec = make_spec("a", "b", pipeline=name)
    for key, value in preset.values.items():
        assert getattr(spec, key) == value


def test_balanced_ships() -> None:
    assert "balanced" in preset_names()


def test_flags_win_over_the_preset_and_none_is_no_flag(tmp_path: Path) -> None:
    preset = preset_file(tmp_path, 'network = "bicubic"\ncrf = 30\nscale = 3\nbatch_size = 4')
    spec = make_spec("a", "b", pipeline=preset, crf=12.5, batch_size=None)
    assert (spec.network, spec.crf, spec.scale, spec.batch_size) == ("bicubic", 12.5, 3, 4)


@pytest.mark.parametrize(
    ("preset", "flags", "expected"),
    [
        ("scale = 3", {"to": "4k"}, (None, "4k")),
        ('to = "4k"', {"scale": 3}, (3, None)),
        ('to = "4k"', {}, (None, "4k")),
        ("scale = 4", {"scale": 2}, (2, None)),
    ],
)
def test_a_size_flag_replaces_the_presets_size(
    preset: str, flags: dict[str, Any], expected: tuple[int | None, str | None], tmp_path: Path
) -> None:
    spec = make_spec("a", "b", pipeline=preset_file(tmp_path, preset), **flags)
    assert (spec.scale, spec.to) == expected


@pytest.mark.parametrize(
    ("preset", "flags", "expected"),
    [
        ('network = "lrsrn"', {"weights": "w.pth"}, (None, "w.pth")),
        ('network = "span"\nweights = "w.pth"', {"network": "bicubic"}, ("bicubic", None)),
        ('network = "span"\nweights = "w.pth"', {}, ("span", "w.pth")),
        ('network = "span"', {"network": "lrsrn", "weights": "w.pth"}, ("lrsrn", "w.pth")),
    ],
)
def test_a_network_or_weights_flag_replaces_the_presets_network_and_weights(
    preset: str, flags: dict[str, Any], expected: tuple[str | None, str | None], tmp_path: Path
) -> None:
    spec = make_spec("a", "b", pipeline=preset_file(tmp_path, preset), **flags)
    assert (spec.network, spec.weights) == expected


def test_a_preset_may_hold_tables_and_rates(tmp_path: Path) -> None:
    text = 'frame_rate = "24000/1001"\n[encoder_options]\ntune = "film"\nbf = 3'
    spec = make_spec("a", "b", pipeline=preset_file(tmp_path, text))
    assert spec.frame_rate == Fraction(24000, 1001)
    assert spec.encoder_options == (("tune", "film"), ("bf", "3"))


@pytest.mark.parametrize(
    ("options", "met"),
    [
        ('x264-params = "pass=1:stats=/home/me/thesis"', "x264-params=pass=1"),
        ('x264-params = "keyint=5:stats=/home/me/thesis"', "x264-params=stats="),
        ("x264-params = \"psy='1:stats'=a\"", "x264-params=psy="),
        ("x264-params = 'psy=1\\:stats=a'", "x264-params=psy="),
        ('x265-params = "csv=report.csv"', "x265-params=csv="),
        ('x265-params = "no_analysis-save=a"', "x265-params=no_analysis-save="),
        ('svtav1-params = "tune=0:stats=a"', "svtav1-params=stats=a"),
        ('stats = "a"', "stats=a"),
        ('flags = "+pass1"', "flags="),
        ('passlogfile = "a"', "passlogfile=a"),
        ('x264opts = "keyint=5"', "x264opts=keyint=5"),
        ('x264-params = ["keyint=5"]', "x264-params="),
    ],
)
def test_a_presets_file_names_no_other_file(options: str, met: str, tmp_path: Path) -> None:
    preset = preset_file(tmp_path, f"[encoder_options]\n{options}")
    with pytest.raises(UsageError, match=r"not for a file to set.* give it with --encoder-opt") as caught:
        make_spec("a", "b", pipeline=preset)
    assert met in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_presets_file_sets_quality_and_speed(tmp_path: Path) -> None:
    options = {
        "tune": "film",
        "qp": "20",
        "x264-params": "keyint=250:no-mbtree:aq-mode=3:psy-rd=1.0,0.15:min_keyint=25",
        "x265-params": "no-sao=1:rd=4",
        "svtav1-params": "tune=0:film-grain=8",
    }
    text = "[encoder_options]\n" + "\n".join(f'{key} = "{value}"' for key, value in options.items())
    spec = make_spec("a", "b", pipeline=preset_file(tmp_path, text))
    assert spec.encoder_options == tuple(options.items())


def test_the_command_line_sets_what_it_likes() -> None:
    own = (("x264-params", "pass=1:stats=mine"),)
    assert make_spec("a", "b", encoder_options=own).encoder_options == own


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("scal = 2", r"sets 'scal'; it may set: .*scale"),
        ("overwrite = true", "sets 'overwrite'"),
        ('source = "x"', "sets 'source'"),
        ("scale = ", "is not valid TOML"),
        ('scale = 2\nto = "4k"', "exclude each other"),
        ('scale = "2"', "--scale is '2'; it must be a whole number"),
        ("scale = 2.0", "it must be a whole number"),
        ("batch_size = true", "it must be a whole number"),
        ('crf = "low"', "--crf is 'low'; it must be a number"),
        ("crf = nan", "--crf is nan"),
        ("to = 1080", "--to is 1080; it must be text"),
        ("device = 0", "--device is 0; it must be text"),
        ("encoder_options = 3", "--encoder-options is 3; it must be a table"),
        ('frame_rate = "fast"', "--frame-rate is 'fast'"),
        ("frame_rate = 0", "must be more than 0"),
        ('precision = "int3"', "--precision is 'int3'; choose one of: auto, fp32, bf16, fp16, int8"),
        ('interlaced = "weave"', "choose one of: bwdif, keep"),
        ('hwaccel = "metal"', "choose one of: auto, cuda, qsv, none"),
        ("strip_rows = 0", "--strip-rows is 0; it must be at least 1"),
        ("read_ahead = -1", "--read-ahead is -1; it must be at least 1"),
    ],
)
def test_a_wrong_preset_is_refused_in_one_line(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        make_spec("a", "b", pipeline=preset_file(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_an_unknown_preset_names_the_choices(tmp_path: Path) -> None:
    for name in ("fastest", str(tmp_path), str(tmp_path / "absent.toml")):
        with pytest.raises(UsageError, match=r"no pipeline preset .*balanced"):
            load_preset(name)


def test_a_preset_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(bytes(range(256)))
    with pytest.raises(UsageError, match="no pipeline preset"):
        load_preset(str(tmp_path / "binary.toml"))


@pytest.mark.parametrize("scale", [-2, 0, 1, 5, 100])
def test_other_factors_are_refused(scale: int) -> None:
    with pytest.raises(UsageError, match="choose 2, 3 or 4"):
        PipelineSpec("a", "b", scale=scale)


def test_scale_and_to_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        make_spec("a", "b", scale=2, to="4k")


def test_an_unknown_option_of_the_library_call_is_named() -> None:
    with pytest.raises(UsageError, match=r"no option 'colour'; there are: .*codec"):
        make_spec("a", "b", colour=3)


@pytest.mark.parametrize(("text", "size"), [("1920x1080", (1920, 1080)), ("853X480", (853, 480)), ("2x2", (2, 2))])
def test_exact_sizes(text: str, size: tuple[int, int]) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "big", "1080", "x", "1920x", "1920x1080x2", "-4x4", "0x0", "1x1", "4.5x4", "9999999x2"]
)
def test_nonsense_sizes_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="give one of 1080p, 1440p, 4k, 8k or WIDTHxHEIGHT"):
        PipelineSpec("a", "b", to=text)


@pytest.mark.parametrize("text", ["1080p", "1080P", "4K", "8k", "1440p", "640x480"])
def test_sizes_are_case_blind(text: str) -> None:
    assert PipelineSpec("a", "b", to=text).to == text


@pytest.mark.parametrize(
    ("given", "rate"),
    [(25, Fraction(25)), (23.976, Fraction(2997, 125)), ("24000/1001", Fraction(24000, 1001)), ("0.5", Fraction(1, 2))],
)
def test_rates(given: str | float, rate: Fraction) -> None:
    assert parse_rate(given) == rate
    assert make_spec("a", "b", frame_rate=given).frame_rate == rate


@pytest.mark.parametrize("text", ["", "fast", "1/0", "24/1/1", "nan"])
def test_nonsense_rates_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="give a number such as 25"):
        parse_rate(text)
