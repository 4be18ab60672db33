"""Any image a person has: each gives 32×32 pixels or one clear sentence."""

import io
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar10_cnn.data import photos
from cifar10_cnn.data.photos import PhotoError

#: Left half red, right half blue, the upper left quarter green.
FLAG = np.zeros((64, 64, 3), np.uint8)
FLAG[:, :32, 0] = 255
FLAG[:, 32:, 2] = 255
FLAG[:32, :32] = (0, 255, 0)
CORNERS = {"upper left": (4, 4), "upper right": (4, 27), "lower left": (27, 4)}


def corners(image: np.ndarray) -> list[str]:
    """Name the colours of three corners."""
    names = {0: "red", 1: "green", 2: "blue"}
    return [names[int(image[place].argmax())] for place in CORNERS.values()]


def saved(folder: Path, image: Image.Image, name: str, **options: object) -> Path:
    file = folder / name
    image.save(file, **options)
    return file


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("a.png", "RGB"), ("a.png", "RGBA"), ("a.png", "P"),
        ("a.jpg", "RGB"), ("a.jpg", "CMYK"), ("a.jpg", "YCbCr"),
        ("a.webp", "RGB"), ("a.webp", "RGBA"), ("a.gif", "P"),
        ("a.bmp", "RGB"), ("a.tif", "RGB"), ("a.tif", "CMYK"), ("a.tif", "LAB"),
    ],
)  # fmt: skip
def test_formats_and_modes(tmp_path: Path, name: str, mode: str) -> None:
    flag = Image.fromarray(FLAG)
    if mode == "LAB":
        from PIL import ImageCms  # noqa: PLC0415

        to_lab = ImageCms.buildTransform(
            ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
        )
        image = ImageCms.applyTransform(flag, to_lab)
        assert image is not None
    else:
        image = flag.convert(mode)
    read = photos.read(saved(tmp_path, image, name))
    assert read.shape == (32, 32, 3)
    assert read.dtype == np.uint8
    if mode != "LAB":  # Pillow has no way back from it without colour profiles
        assert corners(read) == ["green", "blue", "red"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_as_the_camera_says(tmp_path: Path, orientation: int) -> None:
    """Stored in each of the eight ways, a image comes out the same way up."""
    ways = [
        FLAG,
        FLAG[:, ::-1],
        FLAG[::-1, ::-1],
        FLAG[::-1],
        FLAG.transpose(1, 0, 2),
        np.rot90(FLAG, 1),
        np.rot90(FLAG, 2).transpose(1, 0, 2),
        np.rot90(FLAG, -1),
    ]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(ways[orientation - 1]))
    read = photos.read(saved(tmp_path, stored, "a.jpg", exif=exif, quality=95))
    assert corners(read) == ["green", "blue", "red"]


def test_greys_of_every_depth_are_the_same_grey(tmp_path: Path) -> None:
    grey = np.full((40, 40), 100)
    files = [
        saved(tmp_path, Image.fromarray(grey.astype(np.uint8)), "l.png"),
        saved(tmp_path, Image.fromarray((grey * 257).astype(np.uint16)), "i16.png"),
        saved(tmp_path, Image.fromarray((grey * 257).astype(np.int32)), "i.tif"),
        saved(tmp_path, Image.fromarray(grey.astype(np.float32)), "f.tif"),
        saved(tmp_path, Image.fromarray(grey.astype(np.uint8)).convert("LA"), "la.png"),
    ]
    for file in files:
        read = photos.read(file)
        assert np.abs(read.astype(int) - 100).max() <= 1, file.name
    black_and_white = saved(tmp_path, Image.fromarray(grey > 50), "1.png")
    assert (photos.read(black_and_white) == 255).all()


def test_transparency_is_on_white(tmp_path: Path) -> None:
    clear = np.zeros((8, 8, 4), np.uint8)
    assert (photos.read(saved(tmp_path, Image.fromarray(clear), "a.png")) == 255).all()
    palette = Image.fromarray(FLAG).convert("P")
    palette.info["transparency"] = palette.getpixel((0, 0))
    read = photos.read(saved(tmp_path, palette, "p.png"))
    assert tuple(read[4, 4]) == (255, 255, 255)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_of_several_frames_the_first(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(FLAG), Image.new("RGB", (64, 64), "white")]
    file = saved(tmp_path, frames[0], f"a.{suffix}", save_all=True, append_images=frames[1:])
    assert corners(photos.read(file)) == ["green", "blue", "red"]


@pytest.mark.parametrize("size", [(1, 1), (3, 1), (1, 9000), (20_000, 2), (31, 33), (5000, 60)])
def test_odd_sizes_give_the_middle_square(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    image = Image.new("RGB", size, "white")
    side = min(size)
    left, top = (width - side) // 2, (height - side) // 2
    image.paste("black", (left, top, left + side, top + side))
    assert (photos.read(saved(tmp_path, image, "a.png")) == 0).all()


def test_shrinking_is_the_mean_of_each_area(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    expected = pixels.reshape(32, 3, 32, 3, 3).mean(axis=(1, 3))
    read = photos.read(saved(tmp_path, Image.fromarray(pixels), "a.png"))
    assert np.abs(read - expected).max() <= 1


def sentence(path: Path) -> str:
    with pytest.raises(PhotoError) as caught:
        photos.read(path)
    return str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"%PDF-1.7", bytes(1000)]
)
def test_what_is_no_image(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(content)
    assert "is no image that can be read" in sentence(file) or "is damaged" in sentence(file)


def test_missing_path_and_folder(tmp_path: Path) -> None:
    assert "There is no file" in sentence(tmp_path / "a.png")
    assert "There is no file" in sentence(tmp_path)
    with pytest.raises(PhotoError, match="There is no image in"):
        list(photos.find(tmp_path))


def test_a_folder_is_its_images_by_name(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpeg", "notes.txt", "._a.jpeg"):
        (tmp_path / name).touch()
    saved(tmp_path, Image.fromarray(FLAG), "c.jpg").rename(tmp_path / "c.jfif")
    assert [file.name for file in photos.find(tmp_path)] == ["a.jpeg", "b.PNG", "c.jfif"]
    assert list(photos.find(tmp_path / "b.PNG")) == [tmp_path / "b.PNG"]


def png_header(width: int, height: int) -> bytes:
    """A PNG file of a few bytes that says it is as large as that."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + name + content + check

    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", size + b"\x08\x02\x00\x00\x00"),
            chunk(b"IDAT", zlib.compress(bytes(1000))),
            chunk(b"IEND", b""),
        ]
    )


@pytest.mark.parametrize("size", [(11_000, 11_000), (100_000, 100_000), (2**31 - 1, 1)])
def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Path, size: tuple[int, int]) -> None:
    file = tmp_path / "bomb.png"
    file.write_bytes(png_header(*size))
    assert any(word in sentence(file) for word in ("pixels", "is damaged"))


IN_LITTLE_MEMORY = """
import resource, sys
from cifar10_cnn.data import photos

taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 10**9, -1))
assert photos.read(sys.argv[1])[5, 5, 1] > 100
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="other systems limit no program's memory so")
@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("huge.png", "RGB"), ("huge.png", "RGBA"), ("huge.png", "LA"), ("huge.png", "P"),
        ("huge.png", "I;16"), ("huge.jpg", "RGB"), ("huge.jpg", "CMYK"), ("huge.gif", "P"),
        ("huge.webp", "RGBA"), ("huge.webp", "RGB"), ("huge.bmp", "RGB"), ("huge.tif", "CMYK"),
        ("huge.tif", "F"),
    ],
)  # fmt: skip
def test_a_huge_image_is_read_in_little_memory(tmp_path: Path, name: str, mode: str) -> None:
    """7,700 × 7,700 pixels; as red, green and blue they alone would take 180 MB."""
    green = Image.new("RGB", (1, 1), "lime")
    if mode == "I;16":
        green = Image.fromarray(np.full((1, 1), 50_000, np.uint16))
    elif mode == "P":  # so many pixels overflow when Pillow 13 chooses colours
        green = green.quantize(2)
    else:
        green = green.convert(mode)
    file = saved(tmp_path, green.resize((7_700, 7_700), Image.Resampling.NEAREST), name)
    subprocess.run([sys.executable, "-c", IN_LITTLE_MEMORY, str(file)], check=True, timeout=120)
    file.unlink()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "CMYK", "I;16", "F"])
def test_large_images_of_any_kind_shrink_as_small_ones_do(mode: str) -> None:
    """They come out as an image of plain colours does."""
    ramp = np.linspace(0, 255, 1024, dtype=np.uint8)
    grey = Image.fromarray(np.minimum(ramp[:, None], ramp[None, :]))
    image = grey.convert("RGB").convert("P") if mode == "P" else grey
    if mode == "I;16":
        image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    elif mode != "P":
        image = grey.convert("RGB").convert(mode) if mode != "F" else grey.convert("F")
    kind = "TIFF" if mode in ("CMYK", "F") else "PNG"
    contents = [io.BytesIO(), io.BytesIO()]
    grey.save(contents[0], "PNG")
    image.save(contents[1], kind)
    expected, actual = (photos.read(content.getvalue()).astype(int) for content in contents)
    assert np.abs(actual - expected).max() <= (6 if mode == "P" else 1)


def test_greys_from_0_to_1_are_not_black() -> None:
    content = io.BytesIO()
    Image.fromarray(np.full((40, 40), 0.5, np.float32)).save(content, "TIFF")
    assert np.abs(photos.read(content.getvalue()).astype(int) - 127).max() <= 1


def test_damage_never_gives_a_traceback(tmp_path: Path) -> None:
    """Real images, cut anywhere, and with bytes changed at random."""
    rng = np.random.default_rng(0)
    file = tmp_path / "noise"
    for suffix in ("png", "jpeg", "webp", "gif", "bmp", "tiff"):
        raw = io.BytesIO()
        Image.fromarray(FLAG).save(raw, suffix)
        for number in range(20):
            content = np.frombuffer(raw.getvalue(), np.uint8).copy()
            if number < 10:
                content = content[: len(content) * number // 10]
            else:
                places = rng.integers(0, len(content), 1 + len(content) // 200)
                content[places] = rng.integers(0, 256, len(places))
            file.write_bytes(content.tobytes())
            try:
                assert photos.read(file).shape == (32, 32, 3)
            except PhotoError as error:
                assert str(file) in str(error)


def test_a_files_content_is_read_as_the_file(tmp_path: Path) -> None:
    file = saved(tmp_path, Image.fromarray(FLAG), "a.png")
    assert np.array_equal(photos.read(file.read_bytes()), photos.read(file))
    with pytest.raises(PhotoError, match="This file is no image that can be read"):
        photos.read(b"nothing")
