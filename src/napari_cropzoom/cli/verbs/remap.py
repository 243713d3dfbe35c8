"""``remap``: keypoints of a crop, put back into the full frame."""

from __future__ import annotations

import argparse

from napari_cropzoom.cli.arguments import Verbs, add_verb, any_path


def add_parser(verbs: Verbs, common: argparse.ArgumentParser) -> None:
    """Register the verb."""
    back = add_verb(verbs, common, "remap", remap, "put keypoints of a crop back into the full frame")
    back.add_argument("preds_file", type=any_path, help="predictions of the cropped video or images")
    back.add_argument("bbox_file", type=any_path, help="boxes of the crop")
    back.add_argument(
        "--crop", type=any_path, metavar="FILE", help="the cropped video, where it is not found"
    )


def remap(args: argparse.Namespace) -> None:
    """Keypoints of a crop in pixels of the full frame."""
    from napari_cropzoom.crop.remap import remap_predictions

    result = remap_predictions(args.preds_file, args.bbox_file, crop=args.crop)
    if result.note:
        print(f"note: {result.note}")
    print(f"remapped predictions saved to {result.path}")
