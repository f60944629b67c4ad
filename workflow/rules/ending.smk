"""How a run begins and ends: who computes in results/, and verdicts, or what failed and what to do."""

from linvae.report.ending import failure_lines, lacking_lines, success_lines
from linvae.report.screen import Brief

logger.addFilter(Brief())
HELD = []


onstart:
    if os.path.isdir("results") and not os.access("results", os.W_OK):
        sys.exit(
            "results/ cannot be written to: make it writable, or a link to a folder that is"
        )
    if IS_MAIN:
        try:
            HELD.append(lock("results"))
        except LockedError as error:
            sys.exit(f"error: {error}")
    start_calmly()


onsuccess:
    if IS_MAIN and is_asked_for("publish"):
        if missing := PLAN.lacking():
            sys.exit("\n".join(lacking_lines(missing)))
        say(success_lines(f"results/{PLAN.name}"))


onerror:
    if IS_MAIN:
        texts = (Path(path).read_text(encoding="utf-8", errors="replace") for path in log)
        say(failure_lines("".join(texts)))
