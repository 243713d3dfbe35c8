"""A gallery of damaged videos: every good frame right, every bad one named, each at its own number."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from napari_cropzoom.core.errors import CropzoomError
from napari_cropzoom.video import decoder, judge
from napari_cropzoom.video.checks import preflight
from napari_cropzoom.video.damage import crossed_out
from napari_cropzoom.video.index import VideoIndex
from napari_cropzoom.video.judge import note_odd
from napari_cropzoom.video.video import Video
from videos import make_numbered_video, read_number, write_video

N, SIZE = 48, (160, 120)
JPEG = {"codec": "mjpeg", "pix_fmt": "yuvj420p"}
OPEN_GOP = {"x264-params": "open-gop=1:b-pyramid=normal", "preset": "medium"}
OPEN_HEVC = {"x265-params": "open-gop=1:keyint=12:min-keyint=12:bframes=3:log-level=none"}
KINDS: dict[str, dict[str, Any]] = {
    "h264.mp4": {},
    "h264_cabac.mkv": {"options": {"preset": "medium", "x264-params": "b-pyramid=normal"}, "bframes": 3},
    "h264_open_gop.mp4": {"options": OPEN_GOP, "bframes": 3},
    "h264_10bit.mkv": {"pix_fmt": "yuv420p10le"},
    "h264.avi": {"bframes": 0},
    "hevc.mp4": {"codec": "libx265"},
    "hevc_open_gop.mkv": {"codec": "libx265", "options": OPEN_HEVC, "bframes": 3},
    "mjpeg.avi": JPEG,
    "mjpeg.mkv": JPEG,
    "mpeg4.mp4": {"codec": "mpeg4"},
    "mpeg4.avi": {"codec": "mpeg4", "bframes": 0},
    "ffv1.mkv": {"codec": "ffv1"},
    "ffv1.avi": {"codec": "ffv1"},
}
NO_HEADERS = ("h264.avi", "h264_b.avi")
"""Theirs stand in the first packet only."""
AVI_WITH_B = {"h264_b.avi": {"bframes": 3}, "mpeg4_b.avi": {"codec": "mpeg4"}}


@dataclass(frozen=True, eq=False)
class Whole:
    """An undamaged video.

    Attributes
    ----------
    path
    packets
        Bytes, in the order of decoding.
    numbers
        Number of each packet's frame.
    keys
        Places of the keyframes among the packets.
    pictures
        Of each frame, (H, W, 3).
    """

    path: Path
    packets: list[bytes]
    numbers: list[int]
    keys: list[int]
    pictures: list[np.ndarray]


def zeroed(data: bytes, _: random.Random) -> bytes:
    return bytes(len(data))


def noise(data: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(len(data))


def half_zeroed(data: bytes, _: random.Random) -> bytes:
    return data[: len(data) // 2] + bytes(len(data) - len(data) // 2)


def hole(data: bytes, _: random.Random) -> bytes:
    """A sector in the middle that was never written."""
    first, end = len(data) // 3, len(data) // 3 + max(16, len(data) // 4)
    return data[:first] + bytes(end - first) + data[end:]


def cut(data: bytes, _: random.Random) -> bytes:
    return data[: len(data) * 3 // 5]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Whole]:
    """Make a video of a kind, once."""
    folder, made = tmp_path_factory.mktemp("whole"), dict[str, Whole]()

    def make(kind: str) -> Whole:
        if kind not in made:
            how = {**KINDS, **AVI_WITH_B}[kind]
            path = make_numbered_video(folder / kind, N, size=SIZE, **how)
            with av.open(str(path)) as container:
                packets = [packet for packet in container.demux(video=0) if packet.size]
            with Video(path) as video:
                index, pictures = video.index, list(video)
                assert not len(index.damage)
            stamps = [p.dts if index.by_decoding_time else p.pts for p in packets]
            numbers = [index.stamps.tolist().index(stamp) for stamp in stamps]
            keys = [place for place, packet in enumerate(packets) if packet.is_keyframe]
            made[kind] = Whole(path, [bytes(p) for p in packets], numbers, keys, pictures)
        return made[kind]

    return make


def damaged_copy(whole: Whole, path: Path, places: Collection[int], how: Callable[..., bytes]) -> Path:
    """Write the video with some packets replaced: in the file itself, or, if shorter, packed again."""
    chance = random.Random(str(path.name))
    after = {place: how(whole.packets[place], chance) for place in places}
    if all(len(after[place]) == len(whole.packets[place]) for place in places):
        content, at = bytearray(whole.path.read_bytes()), 0
        for place, data in enumerate(whole.packets):
            found = content.find(data, at)
            at = found if found >= 0 else content.find(data)
            assert at >= 0
            content[at : at + len(data)] = after.get(place, data)
        path.write_bytes(content)
        return path
    with av.open(str(whole.path)) as inside, av.open(str(path), "w") as outside:
        stream = outside.add_stream_from_template(inside.streams.video[0])
        for place, packet in enumerate(p for p in inside.demux(video=0) if p.size):
            changed = av.Packet(after.get(place, bytes(packet)))
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.duration, changed.is_keyframe = packet.duration, packet.is_keyframe
            changed.stream = stream
            outside.mux(changed)
    return path


def spoiled(whole: Whole, places: Collection[int]) -> set[int]:
    """Numbers of the frames that damaged packets spoil: theirs and those decoded after, to a keyframe.

    What is shown before a keyframe that it follows (open GOP) builds on the group before too.
    """
    bad, before = set[int](), False
    for first, end in pairwise([*whole.keys, len(whole.packets)]):
        hit = next((place for place in range(first, end) if place in places), end)
        bad |= {whole.numbers[place] for place in range(hit, end)}
        if before:
            bad |= {n for n in whole.numbers[first:end] if n < whole.numbers[first]}
        before = hit < end
    return bad


def read_all(path: Path) -> tuple[dict[int, np.ndarray], set[int]]:
    """Pictures of the frames that are not said to be damaged, and the numbers of those that are."""
    images: dict[int, np.ndarray] = {}
    with Video(path) as video:
        for number, frame in enumerate(video.stream()):
            image = video.to_rgb(frame)
            if number in video.index.damage:
                assert image.max() <= 2
            else:
                images[number] = image
        assert len(video) == N
        return images, set(video.index.damage.numbers().tolist())


def assert_right(images: dict[int, np.ndarray], video: Whole) -> None:
    for number, image in images.items():
        np.testing.assert_array_equal(image, video.pictures[number], f"frame {number}")


@pytest.mark.parametrize(
    ("how", "places"),
    [(zeroed, (14,)), (noise, (5, 29)), (half_zeroed, (24, 25)), (hole, (38,)), (cut, (24, 41))],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
@pytest.mark.parametrize("kind", KINDS)
def test_good_frames_are_right_and_bad_ones_named(
    whole: Callable[[str], Whole],
    tmp_path: Path,
    kind: str,
    how: Callable[..., bytes],
    places: tuple[int, ...],
) -> None:
    video = whole(kind)
    path = damaged_copy(video, tmp_path / kind, places, how)
    expected = spoiled(video, places)
    images, bad = read_all(path)
    assert_right(images, video)
    assert {video.numbers[place] for place in places} <= bad <= expected
    with Video(path, cache_bytes=400_000) as jumping:
        for number in random.Random(kind).sample(range(N), N):
            image = jumping.frame(number)
            if number in jumping.index.damage:
                np.testing.assert_array_equal(image, crossed_out(*SIZE))
            else:
                np.testing.assert_array_equal(image, video.pictures[number], f"frame {number}")
        assert set(jumping.index.damage.numbers().tolist()) == bad
    assert set(preflight(path, thorough=True).undecodable) == bad


@pytest.mark.parametrize("part", [0.6, 0.75, 0.9])
def test_a_keyframe_after_damage_is_decoded_afresh(
    whole: Callable[[str], Whole], tmp_path: Path, part: float
) -> None:
    """H.264 adds what was left of the broken block to the next picture, if it is given that."""
    video = whole("h264_10bit.mkv")

    def sector(data: bytes, _: random.Random) -> bytes:
        first = int((len(data) - 512) * part)
        return data[:first] + bytes(512) + data[first + 512 :]

    places = tuple(key - 1 for key in video.keys[1:])
    path = damaged_copy(video, tmp_path / "h264_10bit.mkv", places, sector)
    images, bad = read_all(path)
    assert_right(images, video)
    assert bad <= spoiled(video, places)
    assert set(video.keys) <= set(images)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NO_HEADERS])
@pytest.mark.parametrize("places", [(0,), (N - 1,), (0, N - 1)], ids=str)
def test_the_first_and_the_last_packet(
    whole: Callable[[str], Whole], tmp_path: Path, kind: str, places: tuple[int, ...]
) -> None:
    """Frames keep their numbers where not even the first can be decoded."""
    video = whole(kind)
    path = damaged_copy(video, tmp_path / kind, places, zeroed)
    images, bad = read_all(path)
    assert_right(images, video)
    assert {video.numbers[place] for place in places} <= bad <= spoiled(video, places)


@pytest.mark.parametrize("how", [zeroed, noise, half_zeroed, cut])
@pytest.mark.parametrize("place", [4, 12, 14, 24, 30, N - 1])
@pytest.mark.parametrize("kind", AVI_WITH_B)
def test_an_avi_that_does_not_say_its_order(
    whole: Callable[[str], Whole], tmp_path: Path, kind: str, how: Callable[..., bytes], place: int
) -> None:
    """Where frames are lost the others of their group have no place of their own."""
    video = whole(kind)
    images, bad = read_all(damaged_copy(video, tmp_path / kind, (place,), how))
    assert_right(images, video)
    assert spoiled(video, (place,)) <= bad
    assert len(bad) <= 2 * 12 + 3


@pytest.fixture(scope="module")
def slow_then_fast(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[np.ndarray]]:
    """Pictures of noise, then plain ones that are decoded in no time by the next thread."""
    path, size = tmp_path_factory.mktemp("late") / "late.avi", (240, 320, 3)
    noisy = [np.random.default_rng(number).integers(0, 255, size, dtype=np.uint8) for number in range(12)]
    plain = [np.full(size, 20 + number, np.uint8) for number in range(12)]
    options = {"crf": "20", "preset": "veryfast", "sc_threshold": "0"}
    write_video(path, [*noisy, *plain], gop=12, bframes=3, options=options)
    with Video(path) as video:
        return path, list(video)


@pytest.mark.parametrize("how", ["zeroed", "cut"])
def test_damage_that_is_met_after_the_picture_is_handed_out(
    slow_then_fast: tuple[Path, list[np.ndarray]], tmp_path: Path, how: str
) -> None:
    """A thread hands out the picture of another one, which may not yet have come to the damage."""
    path, pictures = slow_then_fast
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    (place,) = (number - 1 for number, packet in enumerate(packets) if packet.is_keyframe and number)
    data, damaged = bytes(packets[place]), tmp_path / "damaged.avi"
    for length in np.linspace(len(data) // 20, len(data) - 10, 12).astype(int).tolist():
        kept = data[:length] if how == "cut" else data[:length] + bytes(len(data) - length)
        whole = Whole(path, [bytes(packet) for packet in packets], [], [], pictures)
        damaged_copy(whole, damaged, (place,), lambda *_, kept=kept: kept)
        with Video(damaged) as video:
            for number, frame in enumerate(video.stream()):
                if number not in video.index.damage:
                    np.testing.assert_array_equal(video.to_rgb(frame), pictures[number], f"{number}")
            assert len(video.index.damage)


@pytest.mark.parametrize("kind", ["h264.avi", "h264_b.avi"])
def test_zeros_that_fill_packets_up_are_looked_at_a_few_times_only(
    whole: Callable[[str], Whole], tmp_path: Path, kind: str
) -> None:
    """Some cameras fill every packet up, which could be damage of each."""
    video = whole(kind)
    path = damaged_copy(video, tmp_path / kind, range(N), lambda data, _: data + bytes(30))
    with Video(path) as filled:
        for number, frame in enumerate(filled.stream()):
            np.testing.assert_array_equal(filled.to_rgb(frame), video.pictures[number], f"{number}")
        assert not len(filled.index.damage)
        assert not filled.index.damage.wary


@pytest.mark.parametrize("kind", [*KINDS, *AVI_WITH_B])
def test_a_whole_video_is_read_by_several_threads_alone(
    whole: Callable[[str], Whole], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No jump in an undamaged file is taken for damage."""
    monkeypatch.setattr(decoder, "look_closely", lambda *_: pytest.fail("looked closely"))
    video = whole(kind)
    with Video(video.path, cache_bytes=400_000) as jumping:
        for number in random.Random(kind).sample(range(N), N):
            np.testing.assert_array_equal(jumping.frame(number), video.pictures[number])
    assert preflight(video.path, thorough=True).undecodable == ()


def test_a_camera_that_never_keeps_to_the_format(whole: Callable[[str], Whole], tmp_path: Path) -> None:
    """What its every packet has is no damage: here the end of each picture is missing."""
    video = whole("mjpeg.mkv")
    path = damaged_copy(video, tmp_path / "odd.mkv", range(N), lambda data, _: data[:-8])
    with Video(path) as odd:
        assert len(list(odd.stream())) == N
        assert not len(odd.index.damage)


@pytest.mark.parametrize("options", [{"level": "1"}, {"level": "3", "slicecrc": "0"}], ids=str)
def test_ffv1_without_checksums(tmp_path: Path, options: dict[str, str]) -> None:
    path = make_numbered_video(tmp_path / "a.mkv", N, size=SIZE, codec="ffv1", options=options)
    assert preflight(path).undecodable == ()
    images, bad = read_all(path)
    assert not bad
    assert [read_number(images[number]) for number in range(N)] == list(range(N))


def test_padding_is_no_damage(whole: Callable[[str], Whole], tmp_path: Path) -> None:
    """Some writers leave a few zeros between units."""
    video = whole("h264.mp4")

    def padded(data: bytes, _: random.Random) -> bytes:
        units, at = b"", 0
        while at < len(data):
            end = at + 4 + int.from_bytes(data[at : at + 4], "big")
            units += (end - at - 4 + 5).to_bytes(4, "big") + data[at + 4 : end] + bytes(5)
            at = end
        return units

    images, bad = read_all(damaged_copy(video, tmp_path / "padded.mp4", (7, 8, 30), padded))
    assert not bad
    assert_right(images, video)


@pytest.mark.parametrize("kind", ["h264.mp4", "hevc_open_gop.mkv", "mjpeg.avi", "ffv1.mkv"])
def test_info_says_what_is_wrong(whole: Callable[[str], Whole], tmp_path: Path, kind: str) -> None:
    video = whole(kind)
    path = damaged_copy(video, tmp_path / kind, (14, 30), half_zeroed)
    _, bad = read_all(path)
    info = preflight(path, thorough=True)
    assert set(info.undecodable) == bad
    assert info.ok
    (warning,) = [text for text in info.warnings if "cannot be decoded" in text]
    assert f"{len(bad)} of {N} frames" in warning
    quick = preflight(damaged_copy(video, tmp_path / f"zeroed{path.suffix}", (14, 30), zeroed))
    assert set(quick.undecodable) == bad


def test_a_file_that_has_become_shorter_is_no_damage(
    whole: Callable[[str], Whole], tmp_path: Path
) -> None:
    """Frames that are gone are not called damaged, which a table of results would keep for good."""
    path = tmp_path / "a.avi"
    path.write_bytes(whole("mjpeg.avi").path.read_bytes())
    with Video(path) as video:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(CropzoomError, match="cannot be decoded"):
            list(video.stream())
        assert len(video.index.damage) <= 1  # the one that the end cuts through


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_are_looked_at_once(
    whole: Callable[[str], Whole], tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sound file is not read again for that; in a damaged one the same frames are found as before."""
    video = whole(kind)
    damaged = damaged_copy(video, tmp_path / kind, (14, 30), zeroed)
    found = [VideoIndex.scan(damaged, look=look) for look in (True, False)]
    for index in found:
        note_odd(index)
    assert found[0].damage.numbers().tolist() == found[1].damage.numbers().tolist() != []
    sound = VideoIndex.scan(video.path, look=True)
    monkeypatch.setattr(judge, "opened_closely", lambda *_: pytest.fail("read again"))
    note_odd(sound)
    assert not len(sound.damage)
