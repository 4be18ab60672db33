import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest
from bs4 import BeautifulSoup
from tiny_course import use, write_notebook

from cifar10_cnn.common import files
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.course import kernel, pages, summary
from cifar10_cnn.course import runner as course

ALT = 'Two "bars" & a line, 3 < 4'
FIGURE = f"""\
import base64
from IPython.display import display
png = base64.b64decode("iVBORw0KGgo=")
display({{"image/png": png}}, raw=True,
        metadata={{"image/png": {{"alt": {ALT!r}}}, "figure": {{"name": "01_bars"}}}})"""
PLACE = """\
import os, sys, pathlib
print(sys.executable)
print(pathlib.Path.cwd().name)
print(*(os.environ.get(name) for name in ("CIFAR10_PROFILE", "CIFAR10_DATA")))
print(os.environ.get("MPLBACKEND"))"""
RESULT = """\
import json, pathlib
file = pathlib.Path("../runs/smoke/result.json")
_ = file.write_text(json.dumps({"test_accuracy": 0.8125, "baseline_accuracy": 0.5}))"""


def outputs(file: Path) -> str:
    """Return all that the cells of an executed notebook printed."""
    cells = nbformat.read(file, as_version=4).cells
    return "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))


def times_run(home: Path, name: str) -> int:
    """Return how often a notebook with `COUNT` as its cell has been executed."""
    file = home / f"{name}.txt"
    return len(file.read_text()) if file.exists() else 0


def count(name: str) -> str:
    return f'_ = open("../{name}.txt", "a").write("x")'


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A run of two notebooks, on a machine whose python3 kernel is broken."""
    home = tmp_path_factory.mktemp("course")
    broken = home / "jupyter" / "kernels" / "python3"
    broken.mkdir(parents=True)
    spec = {"argv": ["/no/such/python", "{connection_file}"], "display_name": "?", "language": "?"}
    (broken / "kernel.json").write_text(json.dumps(spec))
    write_notebook(home, "01_first", 'print("Device: CPU, 2 cores · X 1.0")', FIGURE, PLACE)
    write_notebook(home, "02_second", count("02_second"), RESULT)
    (home / "notebooks" / "notes.ipynb").write_text("no part of the course")
    before = {file: file.read_bytes() for file in (home / "notebooks").iterdir()}
    with pytest.MonkeyPatch.context() as patch:
        use(patch, home)
        patch.setenv("JUPYTER_PATH", str(home / "jupyter"))
        patch.setenv("MPLBACKEND", "Agg")
        made = course.run(profile="smoke")
        yield SimpleNamespace(
            home=home, before=before, summary=made, folder=home / "runs" / "smoke"
        )


def test_a_run_leaves_copies_pages_figures_and_a_summary(passed):
    made = {file.relative_to(passed.folder).as_posix() for file in passed.folder.rglob("*.*")}
    assert made == {
        *("01_first.ipynb", "01_first.html", "02_second.ipynb", "02_second.html"),
        *("figures/01_bars.png", "index.html", "summary.json", "result.json"),
    }
    assert (passed.folder / "figures" / "01_bars.png").read_bytes() == b"\x89PNG\r\n\x1a\n"
    assert summary.load(passed.folder) == passed.summary
    assert passed.summary.complete()
    assert list(passed.summary.notebooks) == ["01_first", "02_second"]
    assert passed.summary.device == "CPU, 2 cores · X 1.0"
    assert passed.summary.test_accuracy == 0.8125
    assert passed.summary.notebooks["01_first"].figures == {"01_bars": ALT}
    assert passed.summary.notebooks["01_first"].cells == 3


def test_a_run_changes_nothing_outside_its_folder(passed):
    assert {
        file: file.read_bytes() for file in (passed.home / "notebooks").iterdir()
    } == passed.before
    assert not (passed.home / "figures").exists()


def test_kernels_are_of_this_interpreter_and_told_what_to_run(passed):
    lines = outputs(passed.folder / "01_first.ipynb").splitlines()
    assert lines[1:4] == [sys.executable, "notebooks", "smoke practice"]
    assert lines[4] != "Agg"


def test_executed_copies_count_their_cells(passed):
    cells = nbformat.read(passed.folder / "01_first.ipynb", as_version=4).cells
    assert [cell.execution_count for cell in cells[1:]] == [1, 2, 3]


@pytest.mark.parametrize("page", ["01_first.html", "02_second.html", "index.html"])
def test_pages_fetch_nothing(passed, page):
    text = (passed.folder / page).read_text()
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=.?(https?:)?//", text)
    assert not re.search(r"""(import\s*\(?|url\()["']?https?:""", text)


def test_pages_keep_alt_texts(passed):
    for page in ("01_first.html", "index.html"):
        soup = BeautifulSoup((passed.folder / page).read_text(), "html.parser")
        assert [picture["alt"] for picture in soup.find_all("img")] == [ALT], page


def test_pages_link_to_pages():
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("[next](02_second.ipynb#part), [x](http://a.b)")]
    )
    page = pages.notebook_page(notebook, "01_first", Path())
    assert 'href="02_second.html#part"' in page


def test_index_shows_the_summary(passed):
    text = (passed.folder / "index.html").read_text()
    for shown in ("81.2 %", "practice set · profile smoke", "CPU, 2 cores", 'href="01_first.html"'):
        assert shown in text


def test_a_named_notebook_runs_alone_and_the_rest_is_kept(passed):
    again = course.run(["01"], profile="smoke")
    assert times_run(passed.home, "02_second") == 1
    assert again.complete()
    assert again.test_accuracy == 0.8125


@pytest.mark.parametrize("name", ["02", "02_second", "02_second.ipynb"])
def test_notebooks_are_selected_by_name(passed, name):
    assert list(course.select([name])) == ["02_second"]
    assert list(course.select([name, "01"])) == ["01_first", "02_second"]
    assert list(course.select([str(passed.home / "notebooks" / "02_second.ipynb")])) == [
        "02_second"
    ]


@pytest.mark.parametrize("name", ["07", "second", "notes", "/elsewhere/02_second.ipynb"])
def test_an_unknown_notebook_is_named_with_the_known_ones(passed, name):
    with pytest.raises(CourseError, match=rf"{name}.*01_first, 02_second"):
        course.select([name])


def test_no_notebooks_at_all(tmp_path, monkeypatch):
    use(monkeypatch, tmp_path)
    with pytest.raises(CourseError, match=r"no notebooks in .*CIFAR10_HOME"):
        course.run()


def test_a_damaged_notebook_is_named(tmp_path, monkeypatch):
    use(monkeypatch, tmp_path)
    write_notebook(tmp_path, "01_first", "1").write_text("{")
    with pytest.raises(CourseError, match=r"01_first.ipynb is no readable notebook"):
        course.run(profile="smoke")


def test_a_failure_stops_the_run_and_resume_goes_on(tmp_path, monkeypatch, capsys):
    use(monkeypatch, tmp_path)
    write_notebook(tmp_path, "01_first", count("01"))
    write_notebook(tmp_path, "02_second", "print('begun')", "a = 1\na / 0", "print('never')")
    write_notebook(tmp_path, "03_third", count("03"))
    with pytest.raises(course.NotebookError) as failure:
        course.run(profile="smoke")
    message = str(failure.value)
    assert message.splitlines()[:4] == [
        "02_second.ipynb stopped at cell [2]:",
        "    a = 1",
        "    a / 0",
        "ZeroDivisionError: division by zero",
    ]
    assert "python -m cifar10_cnn run --profile smoke --resume" in message
    assert len(message.splitlines()) <= 6
    assert times_run(tmp_path, "03") == 0
    folder = tmp_path / "runs" / "smoke"
    assert summary.load(folder).notebooks["02_second"].status == "failed"
    assert "ZeroDivisionError" in (folder / "02_second.html").read_text()

    write_notebook(tmp_path, "02_second", "a = 1")
    capsys.readouterr()
    made = course.run(profile="smoke", resume=True)
    assert made.complete()
    assert (times_run(tmp_path, "01"), times_run(tmp_path, "03")) == (1, 1)
    assert "01_first: finished before" in capsys.readouterr().out

    # Changed notebooks and those on other data run again; unchanged ones don't.
    write_notebook(tmp_path, "03_third", count("03"), "'new'")
    course.run(profile="smoke", resume=True)
    assert (times_run(tmp_path, "01"), times_run(tmp_path, "03")) == (1, 2)
    use(monkeypatch, tmp_path, fingerprint="0" * 64)
    course.run(["01", "03"], profile="smoke", resume=True)
    assert (times_run(tmp_path, "01"), times_run(tmp_path, "03")) == (2, 3)
    assert "02_second" not in summary.load(folder).notebooks
    assert not (folder / "02_second.html").exists()


def test_a_new_model_makes_later_notebooks_stale(tmp_path, monkeypatch):
    use(monkeypatch, tmp_path)
    (tmp_path / "runs" / "smoke" / "04").mkdir(parents=True)
    write_notebook(tmp_path, "01_first", '_ = open("../runs/smoke/04/m.keras", "a").write("x")')
    write_notebook(tmp_path, "02_second", count("02"))
    course.run(profile="smoke")
    write_notebook(tmp_path, "01_first", '_ = open("../runs/smoke/04/m.keras", "a").write("xx")')
    course.run(profile="smoke", resume=True)
    assert times_run(tmp_path, "02") == 2


@pytest.mark.parametrize("content", ['{"format": 0}', "{", "[]", '{"format": 1, "notebooks": {}}'])
def test_a_run_of_another_version(tmp_path, monkeypatch, content, capsys):
    use(monkeypatch, tmp_path)
    monkeypatch.setattr(course, "_run_one", lambda *_, **__: summary.NotebookRecord("ok", 1, 1, ""))
    write_notebook(tmp_path, "01_first", "1")
    folder = tmp_path / "runs" / "smoke"
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(content)
    with pytest.raises(CourseError, match=r"another version of the course.*without --resume"):
        course.run(profile="smoke", resume=True)
    assert course.run(profile="smoke").complete()
    (aside,) = (tmp_path / "runs").glob("smoke-before-*")
    assert (aside / "summary.json").read_text() == content
    assert aside.name in capsys.readouterr().out


def test_a_dead_kernel_is_reported_within_seconds(tmp_path, monkeypatch):
    use(monkeypatch, tmp_path)
    write_notebook(tmp_path, "01_first", "import os\nos._exit(1)")
    begun = time.monotonic()
    with pytest.raises(course.NotebookError, match=r"cell \[1\](?s:.*)The kernel died"):
        course.run(profile="smoke")
    assert time.monotonic() - begun < 20


@pytest.mark.faults
@pytest.mark.parametrize(
    "hanging",
    [
        "time.sleep(100)",
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass",
        "try:\n    time.sleep(100)\nexcept BaseException:\n    time.sleep(100)",
        "input()",
    ],
    ids=["sleeping", "deaf", "stubborn", "asking"],
)
def test_a_cell_that_hangs_is_stopped_and_its_kernel_ended(tmp_path, monkeypatch, hanging, tally):
    use(monkeypatch, tmp_path)
    pid = 'import os, signal, time\n_ = open("../pid", "w").write(str(os.getpid()))'
    write_notebook(tmp_path, "01_first", pid, hanging)
    begun = time.monotonic()
    sentence = "longer than 1 seconds|does not support input requests"
    with pytest.raises(course.NotebookError, match=sentence):
        course.run(profile="smoke", cell_timeout=1)
    assert time.monotonic() - begun < 30
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))
    tally("runs disturbed", 1)


def test_an_interrupt_ends_cleanly(tmp_path, monkeypatch):
    use(monkeypatch, tmp_path)
    write_notebook(tmp_path, "01_first", "1 + 1")
    wait = 'import os, time\n_ = open("../pid", "w").write(str(os.getpid()))\ntime.sleep(100)'
    write_notebook(tmp_path, "02_second", wait)
    script = tmp_path / "run.py"
    script.write_text(
        # A shell that runs the tests in the background has told its children to ignore Ctrl-C.
        "import signal\n"
        "from types import SimpleNamespace\n"
        "from cifar10_cnn import data, course\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "data.load = lambda *_: SimpleNamespace(name='practice set', fingerprint='f', origin='')\n"
        "try:\n    course.run(profile='smoke')\n"
        "except KeyboardInterrupt as error:\n    print(error)\n    raise SystemExit(130)"
    )
    running = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline, "the second notebook never began"
        time.sleep(0.1)
    kernel = psutil.Process(int((tmp_path / "pid").read_text()))
    os.kill(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 130
    assert "02_second.ipynb was interrupted at cell [1]" in out
    assert "--resume" in out
    assert err == ""
    psutil.wait_procs([kernel], timeout=10)
    assert not kernel.is_running() or kernel.status() == psutil.STATUS_ZOMBIE
    records = summary.load(tmp_path / "runs" / "smoke").notebooks
    assert {name: record.status for name, record in records.items()} == {
        "01_first": "ok",
        "02_second": "interrupted",
    }


KERNEL = 'import os, time\n_ = open("../pid", "w").write(str(os.getpid()))\ntime.sleep(100)'
RUN = """\
from types import SimpleNamespace
from cifar10_cnn.data import dataset as data
from cifar10_cnn.course import runner as course
data.load = lambda *_: SimpleNamespace(name='practice set', fingerprint='f', origin='')
course.run(profile='smoke')
"""


def begun(home: Path) -> tuple[subprocess.Popen, psutil.Process]:
    """Start a run in a process of its own, and return it with its kernel."""
    running = subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (home / "pid").exists() or not (home / "pid").read_text():
        assert time.monotonic() < deadline, "the notebook never began"
        time.sleep(0.1)
    return running, psutil.Process(int((home / "pid").read_text()))


@pytest.mark.faults
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_killed_runner_leaves_no_kernel_and_a_second_run_is_refused_before(
    tmp_path, monkeypatch, sent, tally
):
    use(monkeypatch, tmp_path)
    write_notebook(tmp_path, "01_first", KERNEL)
    running, kernel = begun(tmp_path)
    with pytest.raises(CourseError, match="Another run of profile smoke is going on"):
        course.run(profile="smoke")
    running.send_signal(sent)
    running.wait()
    gone, _ = psutil.wait_procs([kernel], timeout=20)
    assert gone
    write_notebook(tmp_path, "01_first", "1 + 1")
    assert course.run(profile="smoke").notebooks["01_first"].status == "ok"
    tally("runs disturbed", 2)


@pytest.mark.faults
def test_a_cell_that_fills_the_memory_ends_with_a_word(tmp_path, monkeypatch, tally):
    use(monkeypatch, tmp_path)
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))"
    write_notebook(tmp_path, "01_first", limit, "much = bytearray(2**32)")
    with pytest.raises(course.NotebookError, match=r"cell \[2\](?s:.*)MemoryError"):
        course.run(profile="smoke")
    # As the kernel of Linux does it:
    write_notebook(tmp_path, "01_first", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(course.NotebookError, match="most often because the memory was full"):
        course.run(profile="smoke")
    tally("runs disturbed", 2)


@pytest.mark.faults
def test_a_full_disk_ends_a_run_with_a_word_and_keeps_what_was_there(tmp_path, monkeypatch, tally):
    use(monkeypatch, tmp_path)
    write_notebook(tmp_path, "01_first", "1 + 1")
    write_notebook(tmp_path, "02_second", "2 + 2")
    written = files.write

    def full(file, content):
        if file.name == "02_second.html":
            raise CourseError(f"{file} could not be written (No space left on device).")
        written(file, content)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write", full)
        with pytest.raises(CourseError, match="No space left on device"):
            course.run(profile="smoke")
    again = course.run(profile="smoke", resume=True)
    assert [record.status for record in again.notebooks.values()] == ["ok", "ok"]
    tally("runs disturbed", 1)


@pytest.mark.faults
def test_a_folder_that_cannot_be_written_to_is_named(tmp_path, monkeypatch, tally):
    use(monkeypatch, tmp_path)
    write_notebook(tmp_path, "01_first", "1 + 1")
    (tmp_path / "runs").write_text("a file where the folder should be")
    with pytest.raises(CourseError, match="runs cannot be written to"):
        course.run(profile="smoke")
    tally("runs disturbed", 1)


def test_kernels_listen_to_this_machine_alone(tmp_path, monkeypatch):
    assert kernel._kernel_manager().ip == "127.0.0.1"
    use(monkeypatch, tmp_path)
    ports = (
        "import psutil\n"
        "for each in psutil.Process().net_connections():\n"
        "    if each.status == psutil.CONN_LISTEN:\n"
        "        print('listens to', each.laddr.ip)"
    )
    write_notebook(tmp_path, "01_first", ports)
    course.run(profile="smoke")
    printed = outputs(tmp_path / "runs" / "smoke" / "01_first.ipynb")
    assert set(printed.splitlines()) == {"listens to 127.0.0.1"}


REPOSITORY = Path(__file__).resolve().parents[1]
OPEN = re.compile(r"0\.0\.0\.0|--ip\b|allow_origin|(token|password)\s*=\s*['\"]|disable_check_xsrf")


@pytest.mark.parametrize(
    "file",
    [
        *(REPOSITORY / "src").rglob("*.py"),
        *(REPOSITORY / "notebooks").glob("*.ipynb"),
        *(REPOSITORY / name for name in ("README.md", ".ci/run", "notebooks/conftest.py")),
    ],
    ids=lambda file: file.name,
)
def test_no_server_of_ours_is_open_to_others(file):
    """The README starts JupyterLab as it comes: on this machine alone, and with its token."""
    assert not OPEN.search(file.read_text(encoding="utf-8"))


@pytest.mark.faults
def test_a_folder_with_spaces_and_accents_is_as_good_as_any(tmp_path, monkeypatch, tally):
    home = tmp_path / "mes cours d'été №1 %20"
    home.mkdir()
    use(monkeypatch, home)
    write_notebook(home, "01_first", FIGURE)
    assert course.run(profile="smoke").notebooks["01_first"].status == "ok"
    assert (home / "runs" / "smoke" / "index.html").exists()
    tally("runs disturbed", 1)


def test_own_data_is_named_by_its_absolute_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "auto").mkdir()
    assert course._absolute("pictures") == str(tmp_path / "pictures")
    assert course._absolute("auto") == "auto"
    with pytest.raises(CourseError, match="home of an unknown user"):
        course._absolute("~nobody-of-that-name/pictures")


@pytest.mark.parametrize("name", ["a\0b", "~a\0b", "\ud800", b"file", None, 5])
def test_what_no_file_can_be_called_is_no_path(name):
    with pytest.raises(CourseError, match=r"is no path of a file or a folder"):
        files.path(name)


@pytest.mark.parametrize(
    ("seconds", "said"), [(2.31, "2.3 s"), (21, "21 s"), (130, "2 min"), (6000, "1.7 h")]
)
def test_times_are_said_shortly(seconds, said):
    assert summary.duration(seconds) == said


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    file = tmp_path / "file.txt"
    files.write(file, "old")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
    with pytest.raises(CourseError, match=r"file.txt could not be written \(No space\)"):
        files.write(file, "new")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["old"]
