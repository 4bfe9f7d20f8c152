"""Options that several commands have: one name, one meaning and one line of help for each."""

from typing import Annotated

import typer

Scale = Annotated[int | None, typer.Option(help="Factor: 2, 3 or 4 (2 by default).")]
To = Annotated[str | None, typer.Option(help="Size instead: 1080p, 1440p, 4k, 8k (fit inside) or WxH (exact).")]
Weights = Annotated[str | None, typer.Option(help="Shipped weights by name, or a file: .safetensors, .pth, .onnx.")]
Backend = Annotated[
    str | None,
    typer.Option(help="What runs the network (by default what is fastest: openvino on x86 CPUs, torch elsewhere)."),
]
Precision = Annotated[str | None, typer.Option(help="auto, fp32, bf16, fp16 or int8 (auto by default).")]
Codec = Annotated[str | None, typer.Option(help="FFmpeg encoder: libx264, libx265, libsvtav1, h264_nvenc, ffv1, ...")]
Crf = Annotated[float | None, typer.Option(help="Constant rate factor of the encoder: lower is better.")]
SpeedPreset = Annotated[str | None, typer.Option(help="Speed preset of the encoder.")]
EncoderOptions = Annotated[list[str] | None, typer.Option(help="Further encoder option, KEY=VALUE; repeatable.")]
HwAccel = Annotated[str | None, typer.Option(help="Hardware decoding: auto, cuda, qsv or none (none by default).")]
VideoStream = Annotated[int | None, typer.Option(help="Index of the stream to upscale, see 'vsr info'.")]
FrameRate = Annotated[str | None, typer.Option(help="Of numbered pictures, such as 24000/1001 (25 by default).")]
AllowNetwork = Annotated[bool, typer.Option("--allow-network", help="Take a network address as the source.")]
MaxPixels = Annotated[
    int | None, typer.Option(help="Largest frame, of the source and of the output, in pixels (67108864 by default).")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", "-y", help="Replace what is there.")]
Report = Annotated[str | None, typer.Option("--json", help="Write the report to this file, or - for stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes, no progress, no summary.")]
