"""Write the page that shows the whole study."""

from pathlib import Path

from linvae.files import write_text
from linvae.inputs import Inputs
from linvae.program import run
from linvae.report.page import page_text


def main(spec: dict, inputs: list[str], captions: str, template: str, page: str) -> None:
    """Write ``index.html``."""
    texts = (Path(path).read_text(encoding="utf-8") for path in (captions, template))
    write_text(page, page_text(Inputs(inputs), *texts, spec["cpu_seconds"]))


if __name__ == "__main__":
    run(main)
