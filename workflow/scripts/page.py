"""Write the page that shows the whole study."""

from linvae.jobs.program import run


def main(settings: dict, inputs: list[str], captions: str, template: str, page: str) -> None:
    """Write ``index.html``, from the texts of its templates."""
    from linvae.files import write_text
    from linvae.inputs import Inputs
    from linvae.report.page import page_text

    write_text(page, page_text(Inputs(inputs), captions, template, settings))


if __name__ == "__main__":
    run(main)
