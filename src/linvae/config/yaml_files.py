"""Configuration files, read strictly: a fault is one line with the file and the place in it."""

import sys
from pathlib import Path

import yaml

from linvae.config.messages import ConfigError, brief, plain

__all__ = ["exit_unless_read", "read"]

# Far beyond any study. Aliases can unfold to more than fits into memory, and code that follows
# nested values by recursion ends at about a thousand levels.
_MOST_VALUES = 100_000
_MOST_LEVELS = 100

# The keys << and =, which stand for no value.
_SIGNS = ("tag:yaml.org,2002:merge", "tag:yaml.org,2002:value")

# What to do about a fault, by a part of PyYAML's description of it.
_ADVICE = {
    "another document": "keep one of them, and no line ---",
    "constructor for the tag": "write plain values, without a tag",
    "alias": "put a text that begins with * into quotes",
    "anchor": "give each anchor a name of its own",
}
_USUAL_ADVICE = "check the indentation and the brackets, and quote texts with : # * & ! % @ or `"


def read(path: str | Path) -> dict:
    """Read a configuration file as `yaml.safe_load` does, but pass nothing over in silence.

    Raises
    ------
    ConfigError
        With one line (file, line and column, what is wrong, what to do) if the file is missing,
        empty, not UTF-8 or no YAML, gives a key twice, or holds anything but a mapping.
    """
    name = _name(path)
    text = _text(path, name)
    try:
        loader = _StrictLoader(text)
    except yaml.reader.ReaderError as error:
        place, character = _after(text[: error.position]), f"U+{error.character:04X}"
        msg = f"{name}, {place}: character {character} is not allowed; delete it, or save as UTF-8"
        raise ConfigError(msg) from None
    try:
        return _mapping(loader, name)
    except yaml.MarkedYAMLError as error:
        msg = f"{name}, {_described(error, text)}"
        raise ConfigError(msg) from None
    except RecursionError:
        line = loader.get_mark().line + 1
        msg = f"{name}, line {line}: more than {_MOST_LEVELS} levels; nest less"
        raise ConfigError(msg) from None


def exit_unless_read(*paths: str | Path) -> None:
    """End the program with the line of the first file that `read` refuses, if there is one."""
    try:
        for path in paths:
            read(path)
    except ConfigError as error:
        sys.exit(str(error))


class _StrictLoader(yaml.SafeLoader):
    """The safe loader, which refuses keys given twice and aliases that would not end."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._path: list[object] = []  # keys and positions above what is being composed
        self._extents: dict[yaml.Node, tuple[int, int]] = {}  # values and levels, aliases unfolded

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node:
        is_alias, mark = self.check_event(yaml.AliasEvent), self.peek_event().start_mark
        self._path.append(index)
        node = super().compose_node(parent, index)
        self._path.pop()
        if node not in self._extents:
            if is_alias:
                raise _fault(mark, "an alias inside of what it stands for", "write the values out")
            self._extents[node] = self._extent(node)
        return node

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        # The keys are compared here because later a merge (<<) may repeat them, and should.
        node = super().compose_mapping_node(anchor)
        first = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _fault(key.start_mark, "a key that is no text", "use `key: value`")
            value = key.value if key.tag in _SIGNS else self.construct_object(key, deep=True)
            if value == "__use_yte__":
                raise _fault(key.start_mark, f"{value} makes it a template", "write plain YAML")
            if value in first:
                line = first[value].start_mark.line + 1
                problem = f"{self._named(key)}: this key stands in line {line} already"
                raise _fault(key.start_mark, problem, "keep one of the two")
            first[value] = key
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, ValueError):
            # What PyYAML takes for a number or a date by its looks, and cannot convert.
            problem = f"{brief(node.value)} is no valid {node.tag.rpartition(':')[2]}"
            raise _fault(node.start_mark, problem, "correct it, or quote a text") from None

    def _extent(self, node: yaml.Node) -> tuple[int, int]:
        parts = [] if isinstance(node, yaml.ScalarNode) else node.value
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in parts for part in pair]
        values = 1 + sum(self._extents[part][0] for part in parts)
        levels = 1 + max((self._extents[part][1] for part in parts), default=0)
        if values > _MOST_VALUES:
            problem = f"more than {_MOST_VALUES:,} values, with the aliases (*) written out"
            raise _fault(node.start_mark, problem, "write less")
        if levels > _MOST_LEVELS:
            raise _fault(node.start_mark, f"more than {_MOST_LEVELS} levels", "nest less")
        return values, levels

    def _named(self, key: yaml.ScalarNode) -> str:
        """Path of a key of the mapping that is being composed."""
        parts = [part for part in (*self._path, key) if part is not None]
        return ".".join(
            plain(part.value if isinstance(part, yaml.Node) else part) for part in parts
        )


def _fault(mark: yaml.Mark, problem: str, advice: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark, note=advice)


def _mapping(loader: _StrictLoader, name: str) -> dict:
    node = loader.get_single_node()
    data = None if node is None else loader.construct_document(node)
    if data is None:
        msg = f"{name}: the file is empty; write `key: value` lines, or leave it out"
        raise ConfigError(msg)
    if not isinstance(data, dict):
        problem = f"{type(data).__name__} where sections are expected"
        raise _fault(node.start_mark, problem, "begin with a `key: value`")
    return data


def _described(error: yaml.MarkedYAMLError, text: str) -> str:
    """Place, problem and advice, on one line."""
    mark = error.problem_mark
    problem = ", ".join(filter(None, (error.context, error.problem)))
    lines = text.splitlines()
    if error.note:
        advice = error.note
    elif mark.line < len(lines) and "\t" in lines[mark.line]:
        advice = "the line holds a tab: use spaces"
    else:
        advice = next((_ADVICE[part] for part in _ADVICE if part in problem), _USUAL_ADVICE)
    problem = problem if len(problem) < 300 else f"{problem[:300]} ..."
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}; {advice}"


def _text(path: str | Path, name: str) -> str:
    try:
        if not Path(path).exists():
            msg = f"{name}: there is no such file; check the name (targets go before --configfile)"
            raise ConfigError(msg)
        # A pipe could be read once only, and Snakemake reads the file again.
        if not Path(path).is_file():
            msg = f"{name}: this is a folder or a pipe; name a file"
            raise ConfigError(msg)
        raw = Path(path).read_bytes()
    except OSError as error:
        msg = f"{name}: it cannot be read ({error.strerror}); check its name and permissions"
        raise ConfigError(msg) from None
    try:
        return raw.decode("utf-8-sig")  # editors on Windows begin a file with a byte-order mark
    except UnicodeDecodeError as error:
        place = _after(error.object[: error.start].decode())
        msg = f"{name}, {place}: byte 0x{error.object[error.start]:02x} is no UTF-8; save as UTF-8"
        raise ConfigError(msg) from None


def _after(text: str) -> str:
    """Place of what follows a text."""
    lines = f"{text}.".splitlines()
    return f"line {len(lines)}, column {len(lines[-1])}"


def _name(path: str | Path) -> str:
    """Path as the user would write it: from the working directory, if it is in there."""
    path, here = Path(path), Path.cwd()
    shown = str(path.relative_to(here) if path.is_relative_to(here) else path)
    return shown if shown.isprintable() else repr(shown)
