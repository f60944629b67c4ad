"""Configuration files are read as YAML reads them, or refused in one line with the place."""

import random
from pathlib import Path

import pytest
import yaml

from linvae.config.messages import ConfigError
from linvae.config.yaml_files import read

ROOT = Path(__file__).parents[2]
FILES = sorted([ROOT / "config.yaml", *ROOT.glob("config/*.yaml"), *ROOT.glob("tests/**/*.yaml")])
BOMB = "a0: &a0 [x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join(9 * [f'*a{i - 1}'])}]\n" for i in range(1, 12)
)
CHAIN = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{x: *a{i - 1}}}\n" for i in range(1, 2000))

KEY = "this key stands in line"

# Content of a file (bytes where it is no UTF-8), place of the fault, begin of what is said of it.
FAULTS = {
    "key twice": ("study:\n  a: 1\nstudy: {}\n", (3, 1), f"study: {KEY} 1 already; keep one"),
    "deep key twice": (
        "models:\n  x:\n    - {}\n    - y:\n        a: 1\n        b: 2\n        a: 3\n",
        (7, 9),
        f"models.x.1.y.a: {KEY} 5",
    ),
    "flow key twice": ("a: {b: 1, c: 2,\n  b: 3}", (2, 3), f"a.b: {KEY} 1"),
    "equal numbers": ("a:\n  1: x\n  0x1: y\n", (3, 3), f"a.0x1: {KEY} 2"),
    "equal otherwise": ("a:\n  1: x\n  yes: y\n", (3, 3), f"a.yes: {KEY} 2"),
    "quoted": ("a: 1\n'a': 2\n", (2, 1), f"a: {KEY} 1"),
    "below a merge": ("b: {<<: &c {<<: {x: 1}, y: 1, y: 2}}", (1, 31), f"b.<<.y: {KEY} 1"),
    "JSON": ('{"threads": 1,\n "threads": 2}', (2, 2), f"threads: {KEY} 1"),
    "tab": ("study:\n\tlinear: null\n", (2, 1), "while scanning for the next token, found "),
    "broken": ("threads: 1\nstudy: {a: [}\n", (2, 13), "while parsing a flow node, expected "),
    "cut off": ("threads: 1\nstudy: {", (2, 9), "while parsing a flow node, expected "),
    "list": ("# x\n- threads: 1\n", (2, 1), "list where sections are expected; "),
    "text": ("threads 1\n", (1, 1), "str where sections are expected; "),
    "documents": ("threads: 1\n---\nthreads: 2\n", (2, 1), "expected a single document in the "),
    "empty": ("", None, "the file is empty; "),
    "comment": ("# threads: 1\n", None, "the file is empty; "),
    "latin-1": ("threads: 1\n# für\n".encode("latin-1"), (2, 4), "byte 0xfc is no UTF-8; "),
    "latin-1 below a mark": (b"\xef\xbb\xbfa: \xfc", (1, 4), "byte 0xfc is no UTF-8; "),
    "UTF-16": ("threads: 1\n".encode("utf-16"), (1, 1), "byte 0xff is no UTF-8; "),
    "UTF-16, no mark": ("a: 1\n".encode("utf-16-le"), (1, 2), "character U+0000 is not allowed; "),
    "control": ("a: 1\r\nb: 'x\x07'\r\n", (2, 6), "character U+0007 is not allowed; "),
    "Python tag": ("a:\n  b: !!python/name:os.system\n", (2, 6), "could not determine a "),
    "Python tuple": ("a: !!python/tuple [1]", (1, 4), "could not determine a constructor for "),
    "template": ("a: 1\n__use_yte__: true\n", (2, 1), "__use_yte__ makes it a template; "),
    "alias bomb": (BOMB, (6, 5), "more than 100,000 values, with the aliases (*) written out; "),
    "chain of aliases": (CHAIN, (100, 6), "more than 100 levels; "),
    "circle": ("models: &a\n  x: *a\n", (2, 6), "an alias inside of what it stands for; "),
    "unknown alias": ("a: *b", (1, 4), "found undefined alias 'b'; put a text that begins with *"),
    "anchor twice": ("a: &x 1\nb: &x 2\n", (2, 4), "found duplicate anchor 'x'; "),
    "nested": ("a:\n " + 200 * "[" + 200 * "]", (2, 101), "more than 100 levels; "),
    "key that is a list": ("? [a]\n: 1\n", (1, 3), "a key that is no text; "),
    "no number": ("a: !!int x\n", (1, 4), "'x' is no valid int; "),
    "no date": ("a:\n- 2020-13-01\n", (2, 3), "'2020-13-01' is no valid timestamp; "),
    "endless number": ("a: " + 5000 * "9", (1, 4), "'99999"),
}


def refusal(path):
    with pytest.raises(ConfigError) as caught:
        read(path)
    return str(caught.value)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line_with_file_and_place(fault, tmp_path, monkeypatch):
    content, place, expected = FAULTS[fault]
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "my.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = refusal(file)
    where = ", line {}, column {}".format(*place) if place else ""
    assert line.startswith(f"my.yaml{where}: {expected}")
    assert "; " in line  # what to do
    assert line.isprintable()
    assert len(line) < 400


def test_a_tab_is_said_to_be_one(tmp_path):
    file = tmp_path / "my.yaml"
    for text in ("a:\n\tb: 1\n", "a:\n  b: 1\n\tc: 2\n"):
        file.write_text(text)
        assert "the line holds a tab" in refusal(file)


def test_levels_without_end_are_refused(tmp_path):
    file = tmp_path / "my.yaml"
    file.write_text("threads: 1\na: " + 9999 * "[")
    assert refusal(file).endswith("my.yaml, line 2: more than 100 levels; nest less")


def test_a_file_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loop = Path("loop.yaml")
    loop.symlink_to(loop)
    assert refusal("my.yaml").startswith("my.yaml: there is no such file; ")
    assert refusal(tmp_path / "a" / "my.yaml").startswith("a/my.yaml: there is no such file; ")
    assert refusal("..").startswith("..: this is a folder or a pipe; ")
    assert refusal(loop).startswith("loop.yaml: ")
    assert refusal(300 * "x").endswith("check its name and permissions")
    assert refusal("a\nb") == "'a\\nb': " + refusal("ab").removeprefix("ab: ")


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def denied(path):
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "my.yaml").touch()
    monkeypatch.setattr(Path, "read_bytes", denied)  # root may read whatever the mode says
    assert "my.yaml: it cannot be read (Permission denied); " in refusal(tmp_path / "my.yaml")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_good_file_is_read_as_ever(file):
    assert read(file) == yaml.safe_load(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffthreads: 2\n",
        "a: 1e-3\nb: 1.0e-3\nc: 2020-01-01\nd: ~\n2: x\nyes: y\n",
        "base: &x {a: 1, b: [2, 3]}\nmine:\n  <<: *x\n  a: 2\nyours: [*x, *x]\n",
        "first: &x {a: 1}\nsecond: &y {a: 2}\nboth: {<<: [*x, *y], a: 3}\n",
        '{"threads": 1, "study": {"linear": null}}',
        "---\na: 1\r\nb: 'für'\r\n...\n",
    ],
)
def test_good_yaml_is_read_as_ever(text, tmp_path):
    file = tmp_path / "my.yaml"
    file.write_bytes(text.encode())
    assert read(file) == yaml.safe_load(text)


def test_any_edit_of_a_file_is_read_as_ever_or_refused(tmp_path):
    file, before = tmp_path / "my.yaml", (ROOT / "config" / "smoke.yaml").read_text()
    draw = random.Random(0)
    read_as_ever = 0
    for _ in range(300):
        start = draw.randrange(len(before))
        new = "".join(draw.choices("\t\n\r {}[]:,-?*&!|>%@'\"#x1.=<~\x00\x85\u2028é", k=2))
        text = before[:start] + new + before[start + draw.randint(0, 3) :]
        file.write_bytes(text.encode())
        try:
            found = read(file)
        except ConfigError as error:
            told = str(error)
        else:
            assert found == yaml.safe_load(text)
            read_as_ever += 1
            continue
        assert told.startswith(str(file))
        assert told.isprintable()
    assert 50 < read_as_ever < 250
