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


def image(kind: str = "PNG", mode: str = "RGB", **options: object) -> bytes:
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
    return image("JPEG", exif=exif)


def sixteen_bits() -> bytes:
    file = io.BytesIO()
    Image.fromarray((FLAG[..., 0].astype(np.uint16)) * 257).save(file, "PNG")
    return file.getvalue()


READ = {
    "jpeg.jpg": image("JPEG"),
    "png.PNG": image(),
    "webp.webp": image("WEBP"),
    "grey.png": image(mode="L"),
    "alpha.png": image(mode="RGBA"),
    "cmyk.tif": image("TIFF", "CMYK"),
    "sixteen.png": sixteen_bits(),
    "rotated.jpg": rotated(),
    "dot.png": of_size(1, 1),
    # Names that a shell, a terminal, a figure or a file system might take for something else.
    'with spaces, d\'été & "quotes".png': image(),
    "$x_{$.png": image(),
    "[red]bold[bold].png": image(),
    "猫 🐈.png": image(),
    "-rf.png": image(),
    "a\nb.png": image(),
    "\x1b[31m.png": image(),
    "no text \udcff\udcfe.png": image(),
    "long " * 50 + ".png": image(),
}
SHOWN = {
    "a\nb.png": r"a\nb.png",
    "\x1b[31m.png": r"\x1b[31m.png",
    "no text \udcff\udcfe.png": r"no text \udcff\udcfe.png",
}
REFUSED = {
    "cut.jpg": (image("JPEG")[:700], "is damaged"),
    "cut.png": (image()[:-30], "is damaged"),
    "empty.png": (b"", "is no image that can be read"),
    "text.jpg": (b"hello", "is no image that can be read"),
    "pdf.png": (b"%PDF-1.7", "is no image that can be read"),
    "bomb.png": (png_header(100_000, 100_000), "pixels"),
    "broad bomb.png": (png_header(2**31 - 1, 1), "pixels"),
}


def test_each_image_is_predicted_or_named_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "my images, d'été"
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
    predicted = done.stdout.splitlines()
    for name in READ:
        [line] = [
            each for each in predicted if each.startswith(f"{folder / SHOWN.get(name, name)}")
        ]
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
        ("{folder}", "There is no image in"),
        ("{folder}/" + "n" * 300, "cannot be read|There is no file"),
        ("~nobody-of-that-name/a.png", "names the home of an unknown user"),
        ("/dev/zero", "There is no file"),
    ],
)
@pytest.mark.long
def test_a_path_to_nothing_is_one_sentence(tmp_path: Path, path: str, sentence: str) -> None:
    done = predict(tmp_path, path.format(folder=tmp_path))
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert any(part in line for part in sentence.split("|"))


@pytest.mark.long
def test_where_nothing_can_be_drawn_it_predicts_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be")
    (tmp_path / "a.png").write_bytes(image())
    done = predict(tmp_path, tmp_path / "a.png")
    assert done.returncode == 0
    assert str(tmp_path / "a.png") in done.stdout
    assert "could not be written" in done.stderr
