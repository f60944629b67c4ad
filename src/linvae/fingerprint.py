"""Where results come from: a fingerprint of the code that computes them.

Snakemake watches a rule's script file and its inputs, not the modules that the script imports. Each
rule therefore carries, in its one parameter, the fingerprint of its script: a hash of the syntax
trees, without docstrings, of the script and of every linvae module that it reaches.
"""

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

__all__ = ["fingerprint", "reached_modules", "specification"]

_PACKAGE = Path(__file__).resolve().parent
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def specification(code: str, **section: object) -> str:
    """One JSON string that holds all that a job depends on beside its input files.

    Snakemake compares parameters as a set of values without names, so a rule has exactly one.
    """
    return json.dumps({"code": code, **section}, sort_keys=True)


def fingerprint(script: str | Path, modules: Iterable[str] = ()) -> str:
    """Hash the code of a script and of all linvae modules that it reaches.

    Comments, docstrings and formatting do not count.

    Parameters
    ----------
    script
        Path of the program.
    modules
        Modules that the program loads by name, for example ``linvae.plots.fig1_elbo_vs_ppca``.
    """
    digest = hashlib.sha256(_tree_hash(Path(script)).encode())
    for name in reached_modules(script, modules):
        digest.update(f"{name} {_tree_hash(_module_file(name))}".encode())
    return digest.hexdigest()[:16]


def reached_modules(script: str | Path, modules: Iterable[str] = ()) -> tuple[str, ...]:
    """Names of the linvae modules that a script imports, directly or through others, sorted."""
    found: set[str] = set()
    waiting = {name for name in _imports(Path(script)) if name.split(".")[0] == "linvae"}
    waiting.update(modules)
    while waiting:
        name = waiting.pop()
        if name in found or _module_file(name) is None:
            continue
        found.add(name)
        waiting.update(_imports(_module_file(name)))
        waiting.update(name.rsplit(".", i)[0] for i in range(1, name.count(".") + 1))
    return tuple(sorted(found))


def _module_file(name: str) -> Path | None:
    """File of a linvae module, or None for a name that is no module (a function, say)."""
    parts = name.split(".")
    if parts[0] != "linvae":
        return None
    base = _PACKAGE.joinpath(*parts[1:])
    for candidate in (base / "__init__.py", base.with_name(base.name + ".py")):
        if candidate.is_file():
            return candidate
    return None


@cache
def _imports(file: Path) -> frozenset[str]:
    """Names that a file imports anywhere: ``a`` and ``a.b`` for ``from a import b``."""
    names: set[str] = set()
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)


@cache
def _tree_hash(file: Path) -> str:
    tree = _tree(file)
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
