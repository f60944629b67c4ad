"""Where results come from: a fingerprint of the code that computes them.

Snakemake watches a rule's script file and its inputs, not the modules that the script imports. Each
rule therefore carries, in its one parameter, the fingerprint of its script: a hash of the syntax
trees, without docstrings, of the script and of every linvae module that it reaches. It is the same
under every Python that linvae supports.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import groupby
from pathlib import Path

__all__ = [
    "BOOKKEEPING",
    "code_files",
    "combined",
    "fingerprint",
    "module_file",
    "reached_modules",
    "specification",
    "tree_hash",
]

_PACKAGE = Path(__file__).resolve().parent
_SETTINGS = _PACKAGE / "settings"
_ABOUT = _PACKAGE / "__init__.py"
# Modules that compare and record what programs do, and decide nothing of it.
BOOKKEEPING = frozenset({"linvae.fingerprint", "linvae.planned", "linvae.record"})
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def specification(code: str, **section: object) -> str:
    """One JSON string that holds all that a job depends on beside its input files.

    Snakemake compares parameters as a set of values without names, so a rule has exactly one.
    """
    return json.dumps({"code": code, **section}, sort_keys=True)


def fingerprint(script: str | Path, modules: Iterable[str] = ()) -> str:
    """Hash the code of a script and of all linvae modules that it reaches.

    Comments, docstrings and formatting do not count, nor do the fields of settings: a job's
    specification has their values. Nor does how the package tells its version.

    Parameters
    ----------
    script
        Path of the program.
    modules
        Modules that the program loads by name, for example ``linvae.plots.fig1_elbo_vs_ppca``.
    """
    files = code_files(script, modules)
    return combined({name: _tree_hash(file) for name, file in files.items()})


def combined(hashes: Mapping[str, str]) -> str:
    """One fingerprint from hashes of files by name."""
    text = "".join(f"{name} {found}\n" for name, found in sorted(hashes.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def code_files(script: str | Path, modules: Iterable[str] = ()) -> dict[str, Path]:
    """Files of a program's code: itself as ``__main__``, and each module that it reaches."""
    reached = reached_modules(script, modules)
    return {"__main__": Path(script), **{name: module_file(name) for name in reached}}


def reached_modules(script: str | Path, modules: Iterable[str] = ()) -> tuple[str, ...]:
    """Names of the linvae modules that a script imports, directly or through others, sorted.

    Those that only compare and record are left out.
    """
    found: set[str] = set()
    waiting = {name for name in _imports(Path(script)) if name.split(".")[0] == "linvae"}
    waiting.update(modules)
    while waiting:
        name = waiting.pop()
        if name in found or module_file(name) is None:
            continue
        found.add(name)
        waiting.update(_imports(module_file(name)))
        waiting.update(name.rsplit(".", i)[0] for i in range(1, name.count(".") + 1))
    return tuple(sorted(found - BOOKKEEPING))


def tree_hash(file: Path, source: bytes) -> str:
    """Hash what counts in a file's source: its syntax tree without docstrings."""
    tree = ast.parse(source, filename=str(file))
    is_settings = file.resolve().is_relative_to(_SETTINGS)
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        if is_settings and isinstance(node, ast.ClassDef):
            # Fields of settings: a new one with a default must rerun nothing.
            node.body = [part for part in node.body if not isinstance(part, ast.AnnAssign)]
    if file.resolve() == _ABOUT:
        # Every program reaches it: its version, asked for by name, must rerun nothing.
        tree.body = [part for part in tree.body if getattr(part, "name", "") != "__getattr__"]
    return hashlib.sha256(_dump(tree).encode()).hexdigest()


def module_file(name: str) -> Path | None:
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
    for node in ast.walk(ast.parse(file.read_bytes(), filename=str(file))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)


@cache
def _tree_hash(file: Path) -> str:
    return tree_hash(file, file.read_bytes())


def _dump(node: object) -> str:
    """Text of a syntax tree, the same under every Python.

    `ast.dump` shows fields that newer versions add, and leaves out others than older ones do: here
    an empty field never shows. Only a constant may be empty and mean it.
    """
    if isinstance(node, ast.Constant):
        # Which characters repr escapes depends on the version's Unicode tables.
        return f"{type(node.value).__name__}:{ascii(node.value)}"
    if isinstance(node, ast.JoinedStr):
        return f"JoinedStr[{','.join(_pieces(node))}]"
    if isinstance(node, ast.AST):
        fields = ((name, getattr(node, name, None)) for name in sorted(node._fields))
        shown = [f"{name}={_dump(v)}" for name, v in fields if v or isinstance(v, bool)]
        return f"{type(node).__name__}({','.join(shown)})"
    if isinstance(node, list):
        return f"[{','.join(map(_dump, node))}]"
    return ascii(node)


def _pieces(string: ast.JoinedStr) -> Iterator[str]:
    """Parts of an f-string: versions cut the text between fields differently, or into nothing."""
    for is_text, parts in groupby(string.values, lambda part: isinstance(part, ast.Constant)):
        if not is_text:
            yield from map(_dump, parts)
        elif text := "".join(part.value for part in parts):
            yield ascii(text)
