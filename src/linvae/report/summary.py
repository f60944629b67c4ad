"""The study's headline numbers in Markdown: data, questions, verdicts, and tables of the runs."""

import math
from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from linvae.claims.catalogue import QUESTIONS
from linvae.digits import by_number, rounded
from linvae.files import read_json
from linvae.inputs import Inputs
from linvae.linear.bound import below_bound
from linvae.naming import Run
from linvae.noise import number
from linvae.report.document import verdict_table
from linvae.report.runs import training_folder

__all__ = ["summary_text"]

_LINEAR = {
    "elbo": "ELBO",
    "ppca_max": "pPCA maximum",
    "gap": "gap",
    "marginal_gap": "marginal gap",
    "inference_gap": "inference gap",
    "mean_abs_cos": "mean abs. cosine",
    "noise_variance": "sigma^2",
}
_AUTOENCODER = {
    "reconstruction_error": "squared error",
    "pca_error": "of PCA",
    "subspace_distance": "subspace distance",
    "axis_alignment_distance": "axis distance",
    "mean_abs_cos": "mean abs. cosine",
}
_DEEP = {
    "elbo": "ELBO",
    "above_linear": "above the linear optimum",
    "test_elbo": "test ELBO",
    "test_above_linear": "above the linear optimum, test",
    "test_elbo_optimised": "test ELBO, q optimised",
    "test_log_likelihood": "test log p(x)",
    "kl": "KL",
    "used": "used latents",
    "linear_bound_active": "used by linear theory",
    "noise_variance": "sigma^2",
    "below_bound": "share below the linear bound",
}


def summary_text(inputs: Inputs, settings: Mapping[str, object]) -> str:
    """Render provenance, verdicts and one table for each kind of run: seeds' means.

    Parameters
    ----------
    inputs
        ``metrics.json`` of every run, ``claims.json`` and the data's provenance.
    settings
        ``name`` of the study, and ``epsilon`` at which latents count as used.
    """
    metrics = inputs.metrics()
    (claims_file,) = (path for path in inputs.paths if path.endswith("claims.json"))
    claims = read_json(claims_file)
    epsilon = settings["epsilon"]
    deep = f"Deep VAEs (used latents at epsilon = {number(epsilon)})"
    lines = [
        f"# Summary of the study {settings['name']}",
        "",
        *_provenance(inputs.provenance()),
        *_faults(inputs),
        *_questions(claims),
        "",
        "## Verdicts",
        "",
        verdict_table(claims),
        "",
        "The tables below hold averages per image, in nats; means over seeds, with their standard "
        "errors where these show in six digits.",
        *_section("Linear decoders", metrics, _LINEAR, _as_it_is),
        *_section("Linear autoencoders", metrics, _AUTOENCODER, _as_it_is),
        *_section(deep, metrics, _DEEP, lambda found: _deep_values(found, epsilon)),
    ]
    return "\n".join(lines)


def _provenance(provenance: Mapping) -> list[str]:
    return [
        f"Data: **{provenance['label']}**, {provenance['n_train']:,} training and "
        f"{provenance['n_test']:,} test images.",
        "",
        f"- training images SHA-256 `{provenance['train_sha256']}`",
        f"- test images SHA-256 `{provenance['test_sha256']}`",
    ]


def _faults(inputs: Inputs) -> list[str]:
    """Name the runs that figures, tables and claims go on without."""
    faults, paths = inputs.faults(), inputs.files("metrics.json")
    if not faults:
        return []
    lines = ["", "These runs could not be measured and are left out everywhere:", ""]
    return lines + [
        f"- `{training_folder(run, paths[run])}`: {fault}" for run, fault in faults.items()
    ]


def _questions(claims: Sequence[Mapping]) -> list[str]:
    """Give each question the claims that answer it, with the numbers of those that were run."""
    lines = []
    for key, question in QUESTIONS.items():
        lines += ["", f"## {key}. {question}", ""]
        for claim in claims:
            if claim["question"] == key:
                told = claim["sentence"]
                lines.append(f"- Claim {claim['id']}, **{claim['verdict']}**. {told}")
    return lines


def _section(
    title: str,
    metrics: Mapping[Run, Mapping],
    columns: Mapping[str, str],
    read: Callable[[Mapping], Mapping],
) -> list[str]:
    """Tabulate the runs that have all the columns."""
    rows = []
    for run, found in metrics.items():
        values = read(found)
        if all(key in values for key in columns):
            named = {"model": run.model, "data": run.data, "k": run.n_latent, "noise": run.noise}
            rows.append({**named, **{label: float(values[key]) for key, label in columns.items()}})
    if not rows:
        return []
    keys = ["model", "data", "k", "noise"]
    shown = [
        dict(zip(keys, key, strict=True))
        | {"seeds": len(group)}
        | {label: _averaged(group[label]) for label in columns.values()}
        for key, group in pd.DataFrame(rows).groupby(keys, sort=False)
    ]
    shown.sort(key=lambda row: [by_number(str(row[key])) for key in keys])
    table = pd.DataFrame(shown).to_markdown(index=False, disable_numparse=True)
    return ["", f"## {title}", "", table]


def _averaged(values: pd.Series) -> str:
    return rounded(values.mean(), values.std(ddof=1) / math.sqrt(len(values)))


def _as_it_is(found: Mapping) -> Mapping:
    return found


def _deep_values(found: Mapping, epsilon: float) -> Mapping:
    """Flatten the metrics of a deep run; an empty mapping for any other run."""
    if "used_latents" not in found:
        return {}
    return {
        **found,
        "used": found["used_latents"][number(epsilon)],
        "below_bound": below_bound(found["elbo"], found["linear_bound"]),
    }
