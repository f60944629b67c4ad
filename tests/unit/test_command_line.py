"""What Snakemake would misunderstand of its command line is told in one line."""

from pathlib import Path

import pytest

from linvae.config.command_line import exit_unless_usable


@pytest.mark.parametrize("option", ["--configfile", "--configfiles", "--configfile="])
def test_the_overlays_of_a_command_line_are_read(option, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text("threads: 1\n")
    before = ["target", "-n", "--config", "threads=2", "--quiet", "rules", "--cores=2"]
    exit_unless_usable(before)
    given = [option + "good.yaml"] if option.endswith("=") else [option, "good.yaml"]
    exit_unless_usable([*before, *given, "--forceall"])
    given = [option + "bad.yaml"] if option.endswith("=") else [option, "good.yaml", "bad.yaml"]
    for end in ([], ["--forceall", "target"], ["--", "target"]):
        with pytest.raises(SystemExit, match=r"^bad\.yaml: there is no such file"):
            exit_unless_usable([*before, *given, *end])


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("-n --configfile a.yaml --configfile b.yaml", "--configfile is given 2 times, .*a.yaml b"),
        (
            "--configfiles a.yaml --configfile=b.yaml -n",
            "--configfile is given 2 times, .*a.yaml b",
        ),
        ("--config name=x threads=2 all", "all: --config takes it for a value.* or after --$"),
        ("-C name=x results/x/summary.md -n", "results/x/summary.md: --config takes it "),
        ("--config name=x --config threads=2", "--config is given 2 times, .*name=x threads=2$"),
        (
            "--configfile a.yaml ./results/x/study.json",
            "./results/x/study.json: --configfile takes",
        ),
    ],
)
def test_what_snakemake_would_misunderstand_is_told(arguments, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.yaml", "b.yaml"):
        Path(name).write_text("threads: 1\n")
    with pytest.raises(SystemExit, match=f"^{line}") as error:
        exit_unless_usable(arguments.split())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "arguments",
    [
        "all -n --configfile a.yaml b.yaml --config name=x threads=2",
        "-n --config name=x --configfile a.yaml -- results/x/summary.md all",
        "--set-threads train_deep=2 --quiet rules host -c1 -C name=x",
    ],
)
def test_what_snakemake_understands_passes(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.yaml", "b.yaml"):
        Path(name).write_text("threads: 1\n")
    exit_unless_usable(arguments.split())


def test_a_cache_that_cannot_be_used_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(SystemExit, match=rf"^{tmp_path}/file: .*set XDG_CACHE_HOME to a folder"):
        exit_unless_usable(["-n"])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "new"))
    exit_unless_usable(["-n"])
