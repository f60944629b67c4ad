"""How the library is built: which of its rooms know which, and how long its files are."""

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import linvae
from linvae.jobs.fingerprint import reached_modules

PACKAGE = Path(linvae.__file__).parent
SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"

# Modules beside the packages, by what they are for; every package is a room of its own.
FLAT = {
    "tools": "arrays digits faults files noise seeds shown threads weights",
    "names": "naming",
    "reading": "inputs",
}
# From the ground up. A room uses those of lower layers, none of its own layer or above.
LAYERS = [
    ("jobs",),
    ("tools",),
    ("settings",),
    ("images", "linear", "losses", "measure"),
    ("names", "bypass", "landscape"),
    ("training", "study"),
    ("evaluation", "reading"),
    ("config", "claims", "plots", "diagnose"),
    ("tables",),
    ("report",),
    ("planning",),
]
# Rooms that may use a room at the top: what a study says decides nothing that is computed.
USERS = {
    "plots": set(),
    "claims": {"tables", "report"},
    "tables": {"report"},
    "report": {"planning"},
    "planning": set(),
}
# What is known of the linear VAE in closed form.
CLOSED_FORMS = {"elbo", "ppca", "gaps", "alignment", "solve", "ascent", "stationary"}
CLOSED_FORMS |= {"saddles", "curvature"}
LONGEST = 300


def modules() -> dict[str, Path]:
    """Files of the library's modules, by name; the package itself is none."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        if name:
            found[name] = path
    return found


def room(module: str) -> str:
    """Room of a module, named without ``linvae.``."""
    first = module.split(".")[0]
    if (PACKAGE / first).is_dir():
        return first
    return next(name for name, members in FLAT.items() if first in members.split())


def imported(source: str, known: dict[str, Path]) -> Iterator[str]:
    """Modules of the library that some code imports, anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole path"
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.removeprefix("linvae.") in known and name.startswith("linvae."):
                yield name.removeprefix("linvae.")


def between_rooms() -> Iterator[tuple[str, str, str]]:
    """Give every import between rooms: the two rooms, and what to say of it."""
    known = modules()
    for module, path in known.items():
        for other in imported(path.read_text(encoding="utf-8"), known):
            if room(module) != room(other):
                yield room(module), room(other), f"{module} imports {other}"


def test_every_module_has_a_room_and_every_room_a_layer():
    rooms = {room(module) for module in modules()}
    listed = [name for layer in LAYERS for name in layer]
    assert len(listed) == len(set(listed))
    assert rooms == set(listed)
    flat = {module for members in FLAT.values() for module in members.split()}
    assert flat == {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}


def test_rooms_use_lower_layers_alone():
    height = {name: index for index, layer in enumerate(LAYERS) for name in layer}
    found = list(between_rooms())
    assert len(found) > 100
    upward = [told for one, other, told in found if height[other] >= height[one]]
    assert upward == []


@pytest.mark.parametrize("top", USERS)
def test_nothing_uses_what_a_study_says(top):
    assert {one for one, other, _ in between_rooms() if other == top} == USERS[top]


def test_the_search_for_imports_finds_them_wherever_they_are():
    known = modules()
    source = "import linvae.linear.elbo\ndef f():\n    from linvae.linear import alignment, ppca\n"
    source += "from linvae.training.loop import fit\nimport numpy.linalg, elbo\n"
    found = set(imported(source, known))
    assert found == {"linear", "linear.elbo", "linear.alignment", "linear.ppca", "training.loop"}


def test_the_library_uses_no_program_and_no_test():
    for module, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in getattr(node, "names", [])]
            names = [node.module] if isinstance(node, ast.ImportFrom) else names
            if isinstance(node, ast.Import | ast.ImportFrom):
                first = {name.split(".")[0] for name in names}
                assert not first & {"workflow", "scripts", "benchmarks", "tests"}, module


def test_no_file_is_long():
    for path in (*PACKAGE.rglob("*.py"), *SCRIPTS.glob("*.py")):
        n_lines = len(path.read_text(encoding="utf-8").splitlines())
        assert n_lines <= LONGEST, f"{path.relative_to(PACKAGE.parents[1])}: {n_lines} lines"


@pytest.mark.parametrize(
    "program", [PACKAGE / "training" / "deep_job.py", SCRIPTS / "train_deep.py"]
)
def test_deep_training_knows_no_closed_form_of_the_linear_vae(program):
    reached = set(reached_modules(program))
    assert "linvae.training.loop" in reached
    assert not reached & {f"linvae.linear.{name}" for name in CLOSED_FORMS}
    assert not reached & {"linvae.training.linear_job", "linvae.training.lbfgs_job"}
    assert not any(name.startswith("linvae.evaluation") for name in reached)


def test_linear_training_knows_them():
    reached = set(reached_modules(PACKAGE / "training" / "linear_job.py"))
    reached |= set(reached_modules(PACKAGE / "training" / "lbfgs_job.py"))
    used = {
        f"linvae.linear.{name}" for name in CLOSED_FORMS - {"stationary", "saddles", "curvature"}
    }
    assert used <= reached


def test_images_shape_is_told_and_written_nowhere():
    """Datasets say it: neither 784 nor 28 is a number of the code."""
    for path in (*PACKAGE.rglob("*.py"), *SCRIPTS.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        numbers = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert not numbers & {784, 28}, path


# The settings, and what builds networks from them.
ASK_FOR_LAYERS = {"settings.model", "training.networks"}


def test_what_kind_a_network_is_is_asked_of_its_settings():
    for module, path in modules().items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert "hidden" not in attributes or module in ASK_FOR_LAYERS, module


def test_each_class_has_a_name_of_its_own():
    found: dict[str, list[str]] = {}
    for module, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(module)
    assert {name: where for name, where in found.items() if len(where) > 1} == {}


def test_imports_have_no_circle():
    """Nor those that types alone need, or that stand inside of functions."""
    known = modules()
    graph = {
        module: set(imported(path.read_text(encoding="utf-8"), known)) - {module}
        for module, path in known.items()
    }
    list(graphlib.TopologicalSorter(graph).static_order())
    graph["arrays"].add("linear.ppca")
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter(graph).static_order())


def test_each_file_has_a_name_of_its_own():
    names = [path.stem for path in PACKAGE.rglob("*.py") if path.stem != "__init__"]
    assert sorted(names) == sorted(set(names))
