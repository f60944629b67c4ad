"""A fingerprint of the code that computes a result, which is part of the result's address.

It is a hash of the syntax trees, without docstrings, of a program and of every linvae module that
it reaches: a comment costs nothing. It is the same under every Python that linvae supports.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import groupby
from pathlib import Path

__all__ = [
    "code_files",
    "combined",
    "file_hashes",
    "fingerprint",
    "is_bookkeeping",
    "module_file",
    "reached_modules",
    "tree_hash",
]

_PACKAGE = Path(__file__).resolve().parents[1]
_SETTINGS = _PACKAGE / "settings"
_IMPORTS = (ast.Import, ast.ImportFrom)
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def fingerprint(script: str | Path, modules: Iterable[str] = ()) -> str:
    """Hash the code of a script and of all linvae modules that it reaches.

    Comments, docstrings and formatting do not count, nor do the fields of settings, whose values
    are part of the address themselves.

    Parameters
    ----------
    script
        Path of the program.
    modules
        Modules that the program loads by name, for example ``linvae.plots.fig1_elbo_vs_ppca``.
    """
    files = code_files(script, modules)
    return combined({name: file_hashes(file)["code"] for name, file in files.items()})


def file_hashes(file: Path) -> dict[str, str]:
    """Return the hash of a file's ``bytes``, and of what counts in it, its ``code``.

    A process reads each file once.
    """
    return _read(file)[1]


def combined(hashes: Mapping[str, str]) -> str:
    """One fingerprint from hashes of files by name."""
    text = "".join(f"{name} {found}\n" for name, found in sorted(hashes.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def code_files(script: str | Path, modules: Iterable[str] = ()) -> dict[str, Path]:
    """Files of a program's code: itself as ``__main__``, and each module that it reaches."""
    reached = reached_modules(script, modules)
    return {"__main__": Path(script), **{name: module_file(name) for name in reached}}


def is_bookkeeping(name: str) -> bool:
    """Whether a module decides no result: the package itself, and what runs a rule's program."""
    return name in ("linvae", "linvae.jobs") or name.startswith("linvae.jobs.")


def reached_modules(script: str | Path, modules: Iterable[str] = ()) -> tuple[str, ...]:
    """Names of the linvae modules that a script imports, directly or through others, sorted.

    Those that decide no result are left out.
    """
    found: set[str] = set()
    waiting = {name for name in _imports(Path(script)) if name.split(".")[0] == "linvae"}
    waiting.update(modules)
    while waiting:
        name = waiting.pop()
        if name in found or is_bookkeeping(name) or module_file(name) is None:
            continue
        found.add(name)
        waiting.update(_imports(module_file(name)))
        waiting.update(name.rsplit(".", i)[0] for i in range(1, name.count(".") + 1))
    return tuple(sorted(found))


def tree_hash(file: Path, source: bytes) -> str:
    """Hash what counts in a file's source: its syntax tree without docstrings."""
    return _Reading(file, source).code


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


def _imports(file: Path) -> frozenset[str]:
    return _read(file)[0]


@cache
def _read(file: Path) -> tuple[frozenset[str], dict[str, str]]:
    source = file.read_bytes()
    found, content = _Reading(file, source), hashlib.sha256(source).hexdigest()
    return frozenset(found.imports), {"bytes": content, "code": found.code}


class _Reading:
    """Reads a syntax tree once.

    Attributes
    ----------
    imports
        Names that the file imports anywhere: ``a`` and ``a.b`` for ``from a import b``.
    code
        Hash of what counts.
    """

    def __init__(self, file: Path, source: bytes) -> None:
        self.imports: set[str] = set()
        self._is_settings = file.resolve().is_relative_to(_SETTINGS)
        text = self._text(ast.parse(source, filename=str(file)))
        self.code = hashlib.sha256(text.encode()).hexdigest()

    def _text(self, node: object) -> str:
        """Text of a part of the tree, the same under every Python.

        `ast.dump` shows fields that newer versions add, and leaves out others than older ones do:
        here an empty field never shows. Only a constant may be empty and mean it.
        """
        if isinstance(node, list):
            return f"[{','.join(map(self._text, node))}]"
        if isinstance(node, ast.Constant):
            # Which characters repr escapes depends on the version's Unicode tables.
            return f"{type(node.value).__name__}:{ascii(node.value)}"
        if isinstance(node, ast.JoinedStr):
            return f"JoinedStr[{','.join(self._pieces(node))}]"
        if isinstance(node, ast.AST):
            if isinstance(node, _DOCUMENTED):
                self._strip(node)
            elif isinstance(node, _IMPORTS):
                self._note(node)
            fields = ((name, getattr(node, name, None)) for name in _fields(type(node)))
            shown = [f"{name}={self._text(v)}" for name, v in fields if v or isinstance(v, bool)]
            return f"{type(node).__name__}({','.join(shown)})"
        return ascii(node)

    def _strip(self, node: ast.AST) -> None:
        """Take away the docstring, and fields of settings: a new one of those reruns nothing."""
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        if self._is_settings and isinstance(node, ast.ClassDef):
            node.body = [part for part in node.body if not isinstance(part, ast.AnnAssign)]

    def _note(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            self.imports.update(alias.name for alias in node.names)
        elif node.module and node.level == 0:
            self.imports.add(node.module)
            self.imports.update(f"{node.module}.{alias.name}" for alias in node.names)

    def _pieces(self, string: ast.JoinedStr) -> Iterator[str]:
        """Parts of an f-string: versions cut the text between fields differently, or to nothing."""
        for is_text, parts in groupby(string.values, lambda part: isinstance(part, ast.Constant)):
            if not is_text:
                yield from map(self._text, parts)
            elif text := "".join(part.value for part in parts):
                yield ascii(text)


@cache
def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    return tuple(sorted(kind._fields))
