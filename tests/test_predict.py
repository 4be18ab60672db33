"""The command ``predict`` on all that people give it, in a process of its own, as people run it."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_photos import FLAG, png_header


def predict(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cifar10_cnn", "predict", *map(str, arguments)],
        env={**os.environ, "CIFAR10_HOME": str(home)},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def picture(kind: str = "PNG", mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(FLAG).convert(mode).save(file, kind, **options)
    return file.getvalue()


def of_size(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(file, "PNG")
    return file.getvalue()


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture("JPEG", exif=exif)


def sixteen_bits() -> bytes:
    file = io.BytesIO()
    Image.fromarray((FLAG[..., 0].astype(np.uint16)) * 257).save(file, "PNG")
    return file.getvalue()


READ = {
    "jpeg.jpg": picture("JPEG"),
    "png.PNG": picture(),
    "webp.webp": picture("WEBP"),
    "gif.gif": picture("GIF", "P"),
    "bmp.bmp": picture("BMP"),
    "grey.png": picture(mode="L"),
    "palette.png": picture(mode="P"),
    "alpha.png": picture(mode="RGBA"),
    "grey and alpha.png": picture(mode="LA"),
    "cmyk.tif": picture("TIFF", "CMYK"),
    "bits.png": picture(mode="1"),
    "sixteen.png": sixteen_bits(),
    "rotated.jpg": rotated(),
    "wide.png": of_size(20_000, 3),
    "dot.png": of_size(1, 1),
    "another.jpg": picture("PNG"),
    # Names that a shell, a terminal, a figure or a file system might take for something else.
    'with spaces, d\'été & "quotes".png': picture(),
    "$x_{$.png": picture(),
    "[red]bold[bold].png": picture(),
    "猫 🐈.png": picture(),
    "-rf.png": picture(),
    "a\nb.png": picture(),
    "\x1b[31m.png": picture(),
    "no text \udcff\udcfe.png": picture(),
    "long " * 50 + ".png": picture(),
}
SHOWN = {
    "a\nb.png": r"a\nb.png",
    "\x1b[31m.png": r"\x1b[31m.png",
    "no text \udcff\udcfe.png": r"no text \udcff\udcfe.png",
}
REFUSED = {
    "cut.jpg": (picture("JPEG")[:700], "is damaged"),
    "cut.png": (picture()[:-30], "is damaged"),
    "empty.png": (b"", "is no picture that can be read"),
    "text.jpg": (b"hello", "is no picture that can be read"),
    "pdf.png": (b"%PDF-1.7", "is no picture that can be read"),
    "bomb.png": (png_header(100_000, 100_000), "pixels"),
    "broad bomb.png": (png_header(2**31 - 1, 1), "pixels"),
}


def test_each_picture_is_answered_or_named_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "my pictures, d'été"
    folder.mkdir()
    for name, content in READ.items():
        (folder / name).write_bytes(content)
    for name, (content, _) in REFUSED.items():
        (folder / name).write_bytes(content)
    (folder / "folder.png").mkdir()
    (folder / "dangling.png").symlink_to("/no/such/file.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "notes.txt").write_text("not looked at")

    done = predict(tmp_path / "home", folder)

    assert done.returncode == 0, done.stderr
    answered = done.stdout.splitlines()
    for name in READ:
        [line] = [each for each in answered if each.startswith(f"{folder / SHOWN.get(name, name)}")]
        assert line.endswith("%")
    said = done.stderr.splitlines()
    for name, sentence in {
        **{name: sentence for name, (_, sentence) in REFUSED.items()},
        **dict.fromkeys(("folder.png", "dangling.png", "pipe.png"), "There is no file"),
    }.items():
        [line] = [each for each in said if str(folder / name) in each]
        assert sentence in line
    assert len(said) == len(REFUSED) + 3
    drawn = list((tmp_path / "home" / "runs" / "predictions").iterdir())
    assert len(drawn) == len(READ)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("{folder}/missing.png", "There is no file"),
        ("{folder}", "There is no picture in"),
        ("{folder}/" + "n" * 300, "cannot be read|There is no file"),
        ("~nobody-of-that-name/a.png", "names the home of an unknown user"),
        ("/dev/zero", "There is no file"),
    ],
)
def test_a_path_to_nothing_is_one_sentence(tmp_path: Path, path: str, sentence: str) -> None:
    done = predict(tmp_path, path.format(folder=tmp_path))
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert any(part in line for part in sentence.split("|"))


def test_where_nothing_can_be_drawn_it_answers_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be")
    (tmp_path / "a.png").write_bytes(picture())
    done = predict(tmp_path, tmp_path / "a.png")
    assert done.returncode == 0
    assert str(tmp_path / "a.png") in done.stdout
    assert "could not be written" in done.stderr
