"""The house: few entries, imports that go one way, and no two files of one name."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "cifar10_cnn"
#: Each may import what stands before it. `.github/CONTRIBUTING.md` tells the same.
ORDER = [
    *("common", "profiles", "device", "data", "models", "evaluation", "training"),
    *("plots", "studies", "course", "__main__"),
]


def modules(package: Path) -> dict[str, Path]:
    """Return each module's name inside the package, such as ``data.store``, and its file."""
    names = {
        file: file.relative_to(package).with_suffix("").parts for file in package.rglob("*.py")
    }
    return {".".join(name).removesuffix(".__init__"): file for file, name in names.items()}


def imports(package: Path, *, lazy: bool = True) -> Iterator[tuple[str, str]]:
    """Yield (importer, imported) of a package's modules; ``lazy``: also those inside functions."""
    known = modules(package)
    for name, file in known.items():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree) if lazy else tree.body:
            if isinstance(node, ast.ImportFrom):
                targets = [f"{node.module}.{alias.name}" for alias in node.names]
                assert node.level == 0, f"{name} imports by dots"
            elif isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            else:
                continue
            for target in targets:
                inside = target.removeprefix(f"{package.name}.")
                if inside == target:
                    continue
                yield name, inside if inside in known else inside.rpartition(".")[0]


def arrows_back(package: Path) -> list[str]:
    """Return the imports that run against the order of the wings."""
    back = []
    for importer, imported in imports(package):
        wings = [name.split(".")[0] for name in (importer, imported)]
        if "" in wings or "__init__" in wings:  # the package's own version
            continue
        if ORDER.index(wings[0]) < ORDER.index(wings[1]):
            back.append(f"{importer} imports {imported}")
    return back


def circle(package: Path) -> list[str]:
    """Return modules that import each other as they are loaded, empty if there are none."""
    graph = defaultdict(set)
    for importer, imported in imports(package, lazy=False):
        # `from package.wing import module`, written in the wing's facade, is no circle.
        if importer != imported:
            graph[importer].add(imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def namesakes(package: Path) -> list[str]:
    """Return files of one stem, but for those that may share theirs."""
    files = defaultdict(list)
    for file in package.rglob("*.py"):
        if file.stem != "__init__":
            files[file.stem].append(file.relative_to(package).as_posix())
    free = ("plots/", "training/recipes/")
    return [
        ", ".join(sorted(group))
        for group in files.values()
        if len(group) > 1 and sum(not file.startswith(free) for file in group) > 1
    ]


def test_the_package_shows_few_entries():
    entries = {each.name for each in PACKAGE.iterdir()} - {"__init__.py", "__pycache__"}
    assert {Path(entry).stem for entry in entries} == set(ORDER)
    assert len(entries) <= 11


def test_imports_run_one_way():
    assert arrows_back(PACKAGE) == []


def test_no_modules_import_each_other():
    assert circle(PACKAGE) == []


def test_no_two_files_share_a_name():
    assert namesakes(PACKAGE) == []


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    """A package of two wings that keeps all rules."""
    package = tmp_path / "house"
    for wing in ("data", "plots"):
        (package / wing).mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "data" / "__init__.py").write_text("from house.data.store import read\n")
    (package / "data" / "store.py").write_text("import json\n\n\ndef read():\n    pass\n")
    (package / "plots" / "__init__.py").write_text("from house import data\n")
    (package / "plots" / "store.py").write_text("from house.data import store\n")
    return package


def test_a_house_in_order_passes(made_up):
    assert (arrows_back(made_up), circle(made_up), namesakes(made_up)) == ([], [], [])


@pytest.mark.parametrize(
    "line",
    [
        "from house import plots",
        "from house.plots import store",
        "import house.plots.store",
        "def late():\n    from house.plots.store import read",
    ],
)
def test_an_arrow_back_up_is_found(made_up, line):
    (made_up / "data" / "store.py").write_text(line + "\n")
    [arrow] = arrows_back(made_up)
    assert arrow.startswith("data.store imports plots")


def test_a_circle_is_found(made_up):
    (made_up / "data" / "store.py").write_text("from house.data import cache\n")
    (made_up / "data" / "cache.py").write_text("from house.data.store import read\n")
    assert set(circle(made_up)) == {"data.store", "data.cache"}


def test_namesakes_are_found(made_up):
    (made_up / "store.py").touch()
    assert namesakes(made_up) == ["data/store.py, plots/store.py, store.py"]
