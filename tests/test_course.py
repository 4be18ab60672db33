import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest
from tiny_course import use, write_notebook

from cifar10_cnn.common import files
from cifar10_cnn.common.errors import CourseError
from cifar10_cnn.course import kernel, pages, runner, summary

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
print(os.environ.get("MPLBACKEND"))
import psutil
connections = psutil.Process().net_connections()
print({each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN})"""
RESULT = """\
import json, pathlib
file = pathlib.Path("../runs/smoke/result.json")
_ = file.write_text(json.dumps({"test_accuracy": 0.8125, "baseline_accuracy": 0.5}))"""
WAIT = 'import os, time\n_ = open("../pid", "w").write(str(os.getpid()))\ntime.sleep(100)'


def outputs(file: Path) -> str:
    """Return all that the cells of an executed notebook printed."""
    cells = nbformat.read(file, as_version=4).cells
    return "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))


def count(name: str) -> str:
    return f'_ = open("../{name}.txt", "a").write("x")'


def times_run(home: Path, name: str) -> int:
    """Return how often a notebook with `count` as its cell has been executed."""
    file = home / f"{name}.txt"
    return len(file.read_text()) if file.exists() else 0


def is_complete(run: summary.Summary) -> bool:
    return list(run.finished) == list(summary.course_notebooks())


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A run of two notebooks, on a machine whose python3 kernel is broken."""
    home = tmp_path_factory.mktemp("mes cours d'été №1 %20")
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
        made = runner.run(profile="smoke")
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
    assert is_complete(passed.summary)
    assert passed.summary.device == "CPU, 2 cores · X 1.0"
    assert passed.summary.result["test_accuracy"] == 0.8125
    assert passed.summary.notebooks["01_first"].figures == {"01_bars": ALT}
    assert passed.summary.notebooks["01_first"].cells == 3


def test_a_run_changes_nothing_outside_its_folder(passed):
    assert {
        file: file.read_bytes() for file in (passed.home / "notebooks").iterdir()
    } == passed.before
    assert not (passed.home / "figures").exists()


def test_kernels_are_of_this_interpreter_listen_to_it_alone_and_know_what_to_run(passed):
    lines = outputs(passed.folder / "01_first.ipynb").splitlines()
    assert lines[1:4] == [sys.executable, "notebooks", "smoke practice"]
    assert lines[4] != "Agg"
    assert lines[5] == "{'127.0.0.1'}"
    cells = nbformat.read(passed.folder / "01_first.ipynb", as_version=4).cells
    assert [cell.execution_count for cell in cells[1:]] == [1, 2, 3]


@pytest.mark.parametrize("page", ["01_first.html", "02_second.html", "index.html"])
def test_pages_fetch_nothing_and_keep_alt_texts(passed, page):
    text = (passed.folder / page).read_text()
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=.?(https?:)?//", text)
    assert not re.search(r"""(import\s*\(?|url\()["']?https?:""", text)
    alts = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: (
        alts.append(dict(attributes)["alt"]) if tag == "img" else None
    )
    parser.feed(text)
    assert alts == ([] if "02" in page else [ALT])


def test_a_named_notebook_runs_alone_and_the_rest_is_kept(passed):
    again = runner.run(["01"], profile="smoke")
    assert times_run(passed.home, "02_second") == 1
    assert is_complete(again)
    assert again.result["test_accuracy"] == 0.8125


@pytest.mark.parametrize("name", ["02", "02_second", "02_second.ipynb"])
def test_notebooks_are_selected_by_name(passed, name):
    assert list(runner.select([name])) == ["02_second"]
    assert list(runner.select([name, "01"])) == ["01_first", "02_second"]
    path = passed.home / "notebooks" / "02_second.ipynb"
    assert list(runner.select([str(path)])) == ["02_second"]


@pytest.mark.parametrize("name", ["07", "second", "notes", "/elsewhere/02_second.ipynb"])
def test_an_unknown_notebook_is_named_with_the_known_ones(passed, name):
    with pytest.raises(CourseError, match=rf"{name}.*01_first, 02_second"):
        runner.select([name])


def test_no_notebooks_and_a_damaged_one(tmp_path, monkeypatch):
    use(monkeypatch, tmp_path)
    with pytest.raises(CourseError, match=r"no notebooks in .*CIFAR10_HOME"):
        runner.run()
    write_notebook(tmp_path, "01_first", "1").write_text("{")
    with pytest.raises(CourseError, match=r"01_first.ipynb is no readable notebook"):
        runner.run(profile="smoke")


def test_a_failure_stops_the_run_and_resume_goes_on(tmp_path, monkeypatch, capsys):
    use(monkeypatch, tmp_path)
    write_notebook(tmp_path, "01_first", count("01"))
    write_notebook(tmp_path, "02_second", "print('begun')", "a = 1\na / 0", "print('never')")
    write_notebook(tmp_path, "03_third", count("03"))
    with pytest.raises(CourseError) as failure:
        runner.run(profile="smoke")
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
    assert is_complete(runner.run(profile="smoke", resume=True))
    assert (times_run(tmp_path, "01"), times_run(tmp_path, "03")) == (1, 1)
    assert "01_first: finished before" in capsys.readouterr().out


@pytest.fixture
def instant(tmp_path, monkeypatch):
    """A course of two notebooks whose cells are run at once, in no kernel."""
    use(monkeypatch, tmp_path)

    def execute(notebook, name, folder, env, on_cell):
        monkeypatch.chdir(folder)
        cells = kernel.code_cells(notebook)
        for number, cell in enumerate(cells, 1):
            on_cell(number)
            exec(cell.source, {})
        return "ok", len(cells), ""

    monkeypatch.setattr(kernel, "execute", execute)
    monkeypatch.setattr(pages, "notebook_page", lambda *_: "page")
    write_notebook(tmp_path, "01_first", count("01"))
    write_notebook(tmp_path, "02_second", count("02"))
    return tmp_path


def test_resume_runs_what_is_changed_or_on_other_data(instant, monkeypatch):
    runner.run(profile="smoke")
    write_notebook(instant, "02_second", count("02"), "'new'")
    runner.run(profile="smoke", resume=True)
    assert (times_run(instant, "01"), times_run(instant, "02")) == (1, 2)
    use(monkeypatch, instant, fingerprint="0" * 64)
    runner.run(["01"], profile="smoke", resume=True)
    assert (times_run(instant, "01"), times_run(instant, "02")) == (2, 2)
    folder = instant / "runs" / "smoke"
    assert list(summary.load(folder).notebooks) == ["01_first"]
    assert "02_second.html" not in (folder / "index.html").read_text()


def test_a_new_model_makes_later_notebooks_stale(instant):
    (instant / "runs" / "smoke" / "04").mkdir(parents=True)
    write_notebook(instant, "01_first", 'open("../runs/smoke/04/m.keras", "a").write("x")')
    runner.run(profile="smoke")
    write_notebook(instant, "01_first", 'open("../runs/smoke/04/m.keras", "a").write("xx")')
    runner.run(profile="smoke", resume=True)
    assert times_run(instant, "02") == 2


@pytest.mark.parametrize("content", ['{"notebooks": {"01_first": {}}}', "{", "[]"])
def test_a_run_of_another_version_is_run_again(instant, content):
    files.write(instant / "runs" / "smoke" / "summary.json", content)
    assert is_complete(runner.run(profile="smoke", resume=True))


def test_a_full_disk_ends_a_run_with_a_word_and_keeps_what_was_there(instant, monkeypatch):
    written = files.write

    def full(file, content):
        if file.name == "02_second.html":
            raise CourseError(f"{file} could not be written (No space left on device).")
        written(file, content)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write", full)
        with pytest.raises(CourseError, match="No space left on device"):
            runner.run(profile="smoke")
    assert is_complete(runner.run(profile="smoke", resume=True))
    assert times_run(instant, "01") == 1


def test_a_folder_that_cannot_be_written_to_is_named(instant):
    (instant / "runs").write_text("a file where the folder should be")
    with pytest.raises(CourseError, match="runs cannot be written to"):
        runner.run(profile="smoke")


@pytest.mark.parametrize(
    "hanging",
    [
        "time.sleep(100)",
        "input()",
        pytest.param(
            "signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass",
            marks=pytest.mark.long,
        ),
        pytest.param(
            "try:\n    time.sleep(100)\nexcept BaseException:\n    time.sleep(100)",
            marks=pytest.mark.long,
        ),
    ],
    ids=["sleeping", "asking", "deaf", "stubborn"],
)
def test_a_cell_that_hangs_is_stopped_and_its_kernel_ended(tmp_path, monkeypatch, hanging):
    use(monkeypatch, tmp_path)
    monkeypatch.setattr(kernel, "CELL_TIMEOUT", 1)
    pid = 'import os, signal, time\n_ = open("../pid", "w").write(str(os.getpid()))'
    write_notebook(tmp_path, "01_first", pid, hanging)
    begun = time.monotonic()
    sentence = "longer than 1 seconds|does not support input requests"
    with pytest.raises(CourseError, match=sentence):
        runner.run(profile="smoke")
    assert time.monotonic() - begun < 30
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["import os\nos._exit(1)"], r"cell \[1\](?s:.*)The kernel died"),
        (
            ["import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"],  # as Linux does it
            "most often because the memory was full",
        ),
        (
            [
                "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))",
                "much = bytearray(2**32)",
            ],
            r"cell \[2\](?s:.*)MemoryError",
        ),
    ],
)
def test_a_dead_kernel_and_a_full_memory_are_reported_within_seconds(
    tmp_path, monkeypatch, cells, message
):
    use(monkeypatch, tmp_path)
    write_notebook(tmp_path, "01_first", *cells)
    begun = time.monotonic()
    with pytest.raises(CourseError, match=message):
        runner.run(profile="smoke")
    assert time.monotonic() - begun < 20


#: A runner in a process of its own, without Keras, whose import takes seconds.
RUN = """\
import signal, sys, types
sys.modules["cifar10_cnn.data.dataset"] = dataset = types.ModuleType("dataset")
sys.modules["cifar10_cnn.data"] = types.SimpleNamespace(dataset=dataset, __path__=[])
data = types.SimpleNamespace(name="practice set", fingerprint="f", origin="")
dataset.load = lambda *_: data
from cifar10_cnn.course import runner
# A shell that runs the tests in the background has told its children to ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    runner.run(profile="smoke")
except KeyboardInterrupt as error:
    print(error)
    sys.exit(130)
"""


def begun(home: Path) -> tuple[subprocess.Popen, psutil.Process]:
    """Start a run in a process of its own, and return it with its kernel."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = subprocess.Popen([sys.executable, "-c", RUN], **pipes)
    deadline = time.monotonic() + 60
    while not (home / "pid").exists() or not (home / "pid").read_text():
        assert time.monotonic() < deadline, "the notebook never began"
        assert running.poll() is None, running.communicate()
        time.sleep(0.1)
    return running, psutil.Process(int((home / "pid").read_text()))


def test_an_interrupt_ends_cleanly(tmp_path, monkeypatch):
    use(monkeypatch, tmp_path)
    write_notebook(tmp_path, "01_first", "1 + 1")
    write_notebook(tmp_path, "02_second", WAIT)
    running, process = begun(tmp_path)
    os.kill(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 130
    assert "02_second.ipynb was interrupted at cell [1]" in out
    assert "--resume" in out
    assert err == ""
    psutil.wait_procs([process], timeout=10)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    records = summary.load(tmp_path / "runs" / "smoke").notebooks
    assert {name: record.status for name, record in records.items()} == {
        "01_first": "ok",
        "02_second": "interrupted",
    }


@pytest.mark.parametrize(
    "sent",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGTERM, marks=pytest.mark.long),
        pytest.param(signal.SIGHUP, marks=pytest.mark.long),
    ],
)
def test_a_killed_runner_leaves_no_kernel_and_a_second_run_is_refused_before(
    tmp_path, monkeypatch, sent
):
    use(monkeypatch, tmp_path)
    write_notebook(tmp_path, "01_first", WAIT)
    running, process = begun(tmp_path)
    with pytest.raises(CourseError, match="Another run of profile smoke is going on"):
        runner.run(profile="smoke")
    running.send_signal(sent)
    running.communicate()
    gone, _ = psutil.wait_procs([process], timeout=20)
    assert gone
    write_notebook(tmp_path, "01_first", "1 + 1")
    assert runner.run(profile="smoke").notebooks["01_first"].status == "ok"
