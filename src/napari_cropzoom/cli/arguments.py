"""Arguments that several verbs share, and the values they accept."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_cropzoom.core.errors import CropzoomError, brief
from napari_cropzoom.crop.encoders import ENCODERS, HIGHEST_CRF, PRESETS, TUNES, EncoderSettings

if TYPE_CHECKING:
    from napari_cropzoom.core.smoothing.sizing import SizingSettings

Verbs = Any  # argparse's _SubParsersAction, which has no public name
Handler = Callable[[argparse.Namespace], None]

SMOOTH_WINDOW = 5  # frames
MOST_RATIO = 1000.0  # of a box, in spans of the keypoints
SIZING = ("crop_ratio", "crop_size", "anchor_keypoints", "min_likelihood")
"""Names of what :func:`add_sizing` asks for."""
OVERWRITE = "replace what is there, also what was made of another video of this name"
INPUT_HELP = "videos, label CSV files, or directories (every video in them, by name)"


class Choices:
    """The names of a registry, which is imported when they are asked for; other verbs do not need it."""

    def __init__(self, load: Callable[[], list[str]]) -> None:
        self._load = load

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __contains__(self, name: object) -> bool:
        return name in self._load()


def add_verb(
    verbs: Verbs, common: argparse.ArgumentParser, name: str, handler: Handler, help_text: str
) -> argparse.ArgumentParser:
    """A verb with its one-line help, and what runs it."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, parents=[common], help=help_text, description=help_text
    )
    parser.set_defaults(handler=handler)
    return parser


def add_model_and_inputs(parser: argparse.ArgumentParser) -> None:
    """``<model_dir> <video|csv|dir>...``."""
    parser.add_argument("model_dir", type=any_path, help="a Lightning Pose model directory")
    parser.add_argument("input_path", type=any_path, nargs="+", help=INPUT_HELP)


def add_output_dir(parser: argparse.ArgumentParser) -> None:
    """``--output_dir`` and ``--overwrite``: where results lie, and whose they may replace."""
    parser.add_argument(
        "--output_dir",
        type=any_path,
        metavar="DIR",
        help="put results into DIR/<model>/, and look for them there, not in the model's own folder: for "
        "two videos of one name, or a model that cannot be written to; give it to every step",
    )
    parser.add_argument("--overwrite", action="store_true", help=OVERWRITE)


def output_dir_words(args: argparse.Namespace) -> list[str]:
    """``--output_dir`` as it was given, for a command line that goes on from there."""
    return [] if args.output_dir is None else ["--output_dir", str(args.output_dir)]


def add_prediction_options(parser: argparse.ArgumentParser) -> None:
    """How a model is run, and on which frames."""
    add_engine_options(parser)
    parser.add_argument(
        "--every",
        type=positive_int,
        default=1,
        metavar="N",
        help="of whole frames, run about every n-th first, then all where that is not enough; the others "
        "are interpolated (default: 1, run all)",
    )


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """How a model is run."""
    add_output_dir(parser)
    parser.add_argument(
        "--device",
        type=devices,
        metavar="NAME",
        help="what models run on: cpu, mps, cuda or cuda:1 (default: a graphics card, or else cpu); "
        "batch takes several, cuda:0,cuda:1, each with a process and models of its own",
    )
    parser.add_argument("--batch_size", type=positive_int, help="frames the model sees at once")
    parser.add_argument(
        "--precision", choices=("bf16", "fp16", "fp32"), default="fp32", help="default: fp32"
    )
    parser.add_argument(
        "--runtime",
        choices=("eager", "onnx", "tensorrt", "auto"),
        default="eager",
        help="eager (default), onnx: an export, built and checked if need be, auto: the faster of both",
    )
    parser.add_argument(
        "--onnx-precision",
        choices=("fp32", "fp16"),
        help="of the export that the runtimes onnx, auto and tensorrt run",
    )
    add_overrides(parser, "change values of the config")
    add_edge(parser)
    add_trust(parser)


def add_overrides(parser: argparse.ArgumentParser, help_text: str) -> None:
    """``--overrides``."""
    parser.add_argument("--overrides", nargs="*", type=setting, metavar="KEY=VALUE", help=help_text)


def add_sizing(parser: argparse.ArgumentParser) -> None:
    """How boxes are put round keypoints; :func:`sizing_of` reads it."""
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--crop_ratio", type=ratio, help="side in spans of the keypoints (default: 2.0)")
    size.add_argument("--crop_size", type=positive_int, help="fixed side in pixels")
    parser.add_argument(
        "--anchor_keypoints", type=names, default=(), help="keypoints that count, a,b,c (default: all)"
    )
    parser.add_argument(
        "--min_likelihood", type=probability, help="keypoints below it do not count (default: all count)"
    )


def sizing_of(args: argparse.Namespace) -> SizingSettings:
    """What a person said with the options of :func:`add_sizing`."""
    from napari_cropzoom.core.smoothing.sizing import SizingSettings

    is_default = args.crop_size is None and args.crop_ratio is None
    crop_ratio = SizingSettings.crop_ratio if is_default else args.crop_ratio
    return SizingSettings(crop_ratio, args.crop_size, args.anchor_keypoints, args.min_likelihood)


def add_smoothing(parser: argparse.ArgumentParser, but: str) -> None:
    """``--smooth_method`` and ``--smooth_window``; ``but`` says which boxes are not smoothed."""
    parser.add_argument(
        "--smooth_method",
        choices=Choices(smoothing_methods),
        metavar="METHOD",
        default="median",
        help="one of %(choices)s (default: median)",
    )
    parser.add_argument(
        "--smooth_window",
        type=whole_number,
        metavar="FRAMES",
        help=f"frames that are smoothed over, 0 or 1 for none (default: {SMOOTH_WINDOW}; {but})",
    )


def smoothing_methods() -> list[str]:
    """Names of the methods that change something."""
    from napari_cropzoom.core.smoothing.filters import SMOOTHING_METHODS

    return [name for name, method in SMOOTHING_METHODS.items() if method.filter is not None]


def add_trust(parser: argparse.ArgumentParser) -> None:
    """``--trust_checkpoint``."""
    parser.add_argument(
        "--trust_checkpoint",
        action="store_true",
        help="load a checkpoint that can run code; only if you know who made it",
    )


def add_encoding(parser: argparse.ArgumentParser) -> None:
    """``--encoder``, ``--preset``, ``--crf`` and ``--tune``."""
    usual = EncoderSettings()
    parser.add_argument(
        "--encoder",
        choices=ENCODERS,
        default=usual.encoder,
        help="libx264 (default) or that of a graphics chip, if it works here",
    )
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        default=usual.preset,
        help=f"speed of libx264 (default: {usual.preset}; litpose: medium)",
    )
    parser.add_argument(
        "--crf",
        type=quality,
        default=usual.crf,
        help=f"quality, 0 lossless to 51 (default: {usual.crf}; litpose: 23)",
    )
    parser.add_argument(
        "--tune",
        choices=TUNES,
        default=usual.tune,
        help=f"libx264 is true to the pixels (ssim) or to the eye (none) "
        f"(default: {usual.tune}; litpose: none)",
    )


def encoding(args: argparse.Namespace) -> EncoderSettings:
    """What was chosen with these."""
    return EncoderSettings(args.encoder, args.preset, args.crf, args.tune)


def add_edge(parser: argparse.ArgumentParser) -> None:
    """``--edge``."""
    parser.add_argument(
        "--edge",
        choices=("pad", "clamp"),
        default="pad",
        help="a box that leaves the frame is filled up with black (pad, default) or cut off (clamp)",
    )


def devices(text: str) -> tuple[str, ...]:
    """Names of devices, ``cuda:0,cuda:1``."""
    from napari_cropzoom.engine.network.devices import DEVICE

    found = tuple(each.strip().lower() for each in text.split(","))
    for each in found:
        if not DEVICE.fullmatch(each):
            raise argparse.ArgumentTypeError(
                f"must be of cpu, mps, cuda, cuda:0, cuda:1 ..., not {each!r}"
            )
    return found


def use_one_device(args: argparse.Namespace) -> None:
    """Have models of this process run on the device of ``--device``; before the first is loaded.

    Raises
    ------
    CropzoomError
        If it is not here, or there are several.
    """
    from napari_cropzoom.engine.network.devices import check_devices, use_device

    if args.device is None:
        return
    if len(args.device) > 1:
        raise CropzoomError(
            f"--device {','.join(args.device)}: {args.command} uses one device. Give one, or use "
            "`cropzoom batch`, which shares videos out between several."
        )
    check_devices(args.device)
    use_device(args.device[0])


def any_path(text: str) -> Path:
    """A path; an empty text, such as a variable that is not set, would be the folder one is in."""
    if not text:
        raise argparse.ArgumentTypeError("is empty; give a file or folder")
    return Path(text)


def setting(text: str) -> str:
    """``KEY=VALUE``, as Hydra takes it."""
    key, sign, _ = text.partition("=")
    if not key.strip("+~ ") or (not sign and not key.startswith("~")):
        raise argparse.ArgumentTypeError(
            f"must be KEY=VALUE, such as training.max_epochs=100, not {brief(text)}"
        )
    return text


def positive_int(text: str) -> int:
    """A whole number of at least 1."""
    return int(_at_least(text, int, 1, "a whole number, 1 or more"))


def whole_number(text: str) -> int:
    """A whole number of at least 0."""
    return int(_at_least(text, int, 0, "a whole number, 0 or more"))


def ratio(text: str) -> float:
    """A crop ratio, greater than 1."""
    wanted = f"a number greater than 1, {MOST_RATIO:g} or less"
    value = _at_least(text, float, 1, wanted)
    if not 1 < value <= MOST_RATIO:
        raise argparse.ArgumentTypeError(f"must be {wanted}, not {text}")
    return value


def positive_float(text: str) -> float:
    """A number greater than 0."""
    value = _at_least(text, float, 0, "a number greater than 0")
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number greater than 0, not {text}")
    return value


def probability(text: str) -> float:
    """A number from 0 to 1."""
    value = _at_least(text, float, 0, "a number from 0 to 1")
    if value > 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, not {text}")
    return value


def quality(text: str) -> float:
    """A quality as x264 counts it, from 0 to 51."""
    value = _at_least(text, float, 0, "a number from 0 to 51")
    if value > HIGHEST_CRF:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 51, not {text}")
    return value


def names(text: str) -> tuple[str, ...]:
    """Names separated by commas."""
    found = tuple(name.strip() for name in text.split(",") if name.strip())
    if not found:
        raise argparse.ArgumentTypeError("is empty; give names such as nose,tail, or leave it out")
    return found


def _at_least(text: str, kind: type[int] | type[float], low: float, wanted: str) -> float:
    try:
        value: float = kind(text)
    except ValueError:
        value = float("nan")
    if not value >= low:
        raise argparse.ArgumentTypeError(f"must be {wanted}, not {text}")
    return value
