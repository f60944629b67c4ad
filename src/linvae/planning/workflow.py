"""Where the programs and templates of the workflow lie, and what their code is."""

from collections.abc import Callable
from pathlib import Path

from linvae.jobs.code import keep_hashes
from linvae.jobs.fingerprint import fingerprint
from linvae.jobs.job import text_hash
from linvae.study.cost import Rates

__all__ = ["Workflow"]


class Workflow:
    """Where programs and templates of the workflow lie, and the fingerprints of its programs.

    Parameters
    ----------
    shipped
        Function from a path below the workflow's checkout to the file.
    keep
        Whether the hashes of the programs' files are kept for the jobs that are planned.
    """

    def __init__(self, shipped: Callable[[str], Path], *, keep: bool = True) -> None:
        self._shipped, self._keep = shipped, keep
        self._codes: dict[tuple[str, ...], str] = {}

    @classmethod
    def beside(cls, root: Path, *, keep: bool = True) -> "Workflow":
        """Return the workflow of a checkout."""
        return cls(lambda path: root / path, keep=keep)

    def code(self, program: str, modules: tuple[str, ...] = ()) -> str:
        """Return the fingerprint of a program."""
        if (program, *modules) not in self._codes:
            script = Path(self._shipped(f"workflow/scripts/{program}.py"))
            found = keep_hashes if self._keep else fingerprint
            self._codes[program, *modules] = found(script, modules)
        return self._codes[program, *modules]

    def text_hash(self, path: str) -> str:
        """Return the hash of a text of the workflow, named from ``workflow/``."""
        return text_hash(Path(self._shipped(f"workflow/{path}")).read_text(encoding="utf-8"))

    def rates(self) -> Rates:
        """Return the measured speeds."""
        return Rates.load(self._shipped("benchmarks/throughput.json"))
