"""The README: one page, whose links lead somewhere and whose commands exist."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cifar10_cnn.__main__ import app

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [
    *("README.md", "figures/README.md", "data/README.md"),
    *(".github/CONTRIBUTING.md", ".github/SUPPORT.md"),
]
LINK = re.compile(r"\]\(([^)#\s]+)")
COMMAND = re.compile(r"-m cifar10_cnn ([a-z]+)(?: ([a-z]+))?(.*)")


def text(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


def test_the_readme_has_at_most_1000_words():
    assert len(re.sub(r"[|#*`<>()\[\]!-]", " ", text("README.md")).split()) <= 1000


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in LINK.findall(text(page)):
        if not target.startswith("http"):
            assert (REPOSITORY / page).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_their_options_exist(page):
    for name, part, rest in COMMAND.findall(text(page)):
        words = [name, part] if name == "data" else [name]
        done = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
        assert done.exit_code == 0, words
        for option in re.findall(r"--[a-z]+", rest.partition("#")[0]):
            assert option in done.stdout, f"{name} {option}"


def test_the_first_lines_tell_the_result_of_the_table():
    opening, _, rest = text("README.md").partition("## ")
    accuracy = re.search(r"^\| CNN \| (.+) \|$", rest, re.MULTILINE)
    assert accuracy
    assert accuracy[1] in opening


def test_what_developers_need_is_no_requirement():
    assert not re.search(r"^(ruff|mypy|hypothesis)", text("requirements.txt"), re.MULTILINE)
    assert '".[dev]"' in text(".github/CONTRIBUTING.md")
    assert '".[dev]"' in text(".ci/run")
