"""What a run says of its jobs, and how it ends: verdicts and page, or what failed and how to go on."""

from snakemake.logging import logger

from linvae.report.screen import Brief

logger.addFilter(Brief())


def told(lines):
    print("\n".join(lines), file=sys.stderr, flush=True)


onsuccess:
    if workflow.touch:
        follow_touch()
    elif workflow.is_main_process and any(job.rule.name == "page" for job in workflow.dag.jobs):
        from linvae.files import read_json
        from linvae.report.ending import success_lines

        told(success_lines(read_json(f"{OWN}/claims.json"), f"{OWN}/index.html"))


onerror:
    if workflow.is_main_process:
        from linvae.report.ending import failure_lines

        texts = (Path(path).read_text(encoding="utf-8", errors="replace") for path in log)
        told(failure_lines("".join(texts)))
