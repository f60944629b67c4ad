"""A diagnosis as text, and as a notebook shows it."""

from html import escape

from linvae.diagnose.measured_model import EPSILONS, MeasuredModel, Split
from linvae.diagnose.verdict import short, with_error

__all__ = ["as_html", "as_text"]


def as_text(found: MeasuredModel) -> str:
    """Return verdict, advice, notes and the numbers of each split."""
    names, rows = _table(found)
    width = max(len(label) for label, _ in rows)
    advice = [f"advice: {found.advice}"] if found.advice else []
    lines = [_headline(found), *advice, *(f"note: {note}" for note in found.notes), ""]
    lines.append(" " * width + "".join(f"{name:>22}" for name in names))
    lines += [f"{label:<{width}}" + "".join(f"{v:>22}" for v in values) for label, values in rows]
    return "\n".join([*lines, "", _theory(found)])


def as_html(found: MeasuredModel) -> str:
    """Return the same as HTML, with the figure."""
    names, rows = _table(found)
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr><td style='text-align:left'>{escape(label)}</td>"
        + "".join(f"<td>{escape(value)}</td>" for value in values)
        + "</tr>"
        for label, values in rows
    )
    advice = f"<p>{escape(found.advice)}</p>" if found.advice else ""
    notes = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    return (
        f"<div><p><b>{escape(_headline(found))}</b></p>{advice}<ul>{notes}</ul>"
        f"<table><tr><th></th>{head}</tr>{body}</table><p>{escape(_theory(found))}</p>"
        f"{_figure(found)}</div>"
    )


def _figure(found: MeasuredModel) -> str:
    try:
        from linvae.diagnose.drawing import as_svg
    except ImportError:
        return "<p>No figure: matplotlib is not installed.</p>"
    return as_svg(found)


def _headline(found: MeasuredModel) -> str:
    if found.verdict.lower().startswith(found.kind):
        return found.verdict
    return f"{found.kind}: {found.verdict}"


def _table(found: MeasuredModel) -> tuple[list[str], list[tuple[str, list[str]]]]:
    splits = {"train": found.train}
    if found.held_out is not None:
        splits["held out"] = found.held_out
    columns = [_column(found, split) for split in splits.values()]
    return list(splits), [(label, [c[label] for c in columns]) for label in columns[0]]


def _column(found: MeasuredModel, split: Split) -> dict[str, str]:
    return {
        "data": str(split.n),
        "latents in use": f"{split.n_used} of {found.n_latent}",
        "  at 0.03 / 0.1 / 0.3 nats": " / ".join(map(str, split.used_at(EPSILONS, found.delta))),
        "ELBO": with_error(split.elbo, split.elbo_error),
        "  KL": f"{split.kl:.2f}",
        "linear optimum": f"{split.linear_elbo:.2f}",
        "ELBO - linear": with_error(split.above_linear, split.above_linear_error),
        "linear bypass gains": with_error(split.gain, split.gain_error),
        "  by the cut alone": f"{split.change:+.2f}",
        "rho_1 / sigma^2": f"{split.eigenvalues[0] / found.noise_variance:.3g}",
        "bits per dimension": f"{split.bits_per_dimension:.4g}",
        "ELBO at tuned sigma^2": f"{split.tuned_elbo:.2f}",
        "  tuned sigma^2": f"{split.tuned_noise_variance:.4g}",
    }


def _theory(found: MeasuredModel) -> str:
    least = "" if found.complete else "at least "
    return (
        f"At sigma^2 = {short(found.noise_variance)} linear theory would use {least}"
        f"{found.n_linear} latents of these data (lambda_1 = {short(found.data_eigenvalues[0])},"
        f" k = {found.n_latent}). Nats per datum; in use: KL of {found.epsilon:g} nats or more for"
        f" over {found.delta:.0%} of the data."
    )
