"""From a configuration to the map of its study, without Snakemake."""

from collections.abc import Iterable, Mapping

from linvae.config.configuration import StudyConfig
from linvae.jobs.job import Job
from linvae.naming import Product, Run
from linvae.planning.computed import ADDRESS, Computed
from linvae.planning.images import Origin
from linvae.planning.needs import Needs
from linvae.planning.plan import Plan
from linvae.planning.workflow import Workflow
from linvae.study.figures import FIGURES, figure_inputs, figures
from linvae.study.names import size_name
from linvae.study.tables import TABLES, table_inputs
from linvae.study.tables import tables as tables_of

__all__ = ["plan_study"]


def plan_study(
    config: StudyConfig, workflow: Workflow, *, device: str = "cpu", origin: Origin | None = None
) -> Plan:
    """Return every job of a study.

    Parameters
    ----------
    config
        Validated.
    workflow
        Whose programs compute.
    device
        What ``device: auto`` of a model means: ``cpu`` or ``cuda``.
    origin
        Of the images; None to settle it here.
    """
    return _Said(config, workflow, device, origin).plan()


class _Said(Computed):
    """The jobs of what the study says too: figures, tables, claims, page."""

    def _said(
        self, program: str, place: str, *what: Mapping, priority: int = 0, **more: object
    ) -> Job:
        """Make a job below ``results/report``; the rest is as `job` takes it."""
        place, needs = f"results/report/{place}/{ADDRESS}", Needs(priority=priority)
        return self.job(program, place, *what, needs, **more)

    def _figure(self, figure: str) -> Job:
        """Make a figure: its own section of the study, its style and its module, and no more."""
        section = getattr(self.study, FIGURES[figure].section)
        style = self.config.figures.get(figure)
        settings = {
            "figure": figure,
            "section": section.identity(),
            "measurement": self.config.measurement.identity(),
            "style": style.identity() if style else {},
        }
        inputs = self.paths(figure_inputs(self.study, self.names, figure))
        return self._said(
            "figure",
            f"figures/{figure}",
            settings,
            {"inputs": [*inputs, self.provenance]},
            {kind: f"{figure}.{kind}" for kind in ("png", "pdf", "csv")},
            priority=20,
            modules=(f"linvae.plots.{figure}",),
        )

    def _claims(self) -> Job:
        named = {name for _, part in self.study.sections() for _, name in part.named_models()}
        deep = [run for run in self._runs() if not self.models[run.model].decoder.is_linear]
        linear = ("stochastic", "encoders")
        judged = [*deep, *(run for name in linear for run in self.study.runs(name, self.names))]
        settings = {
            "study_name": self.config.name,
            "study": self.study.identity(),
            "models": {name: self.models[name].identity() for name in sorted(named)},
            "names": self.names.to_dict(),
            "measurement": self.config.measurement.identity(),
            "margins": self.config.margins.identity(),
            # A claim that stays open says what the run that would decide it costs.
            "cpu_seconds": {size_name(run): round(self.cost(run).cpu_seconds) for run in judged},
        }
        inputs = [*self.paths(self.study.evidence(self.names)), self.provenance]
        files = {"claims": "claims.json", "document": "claims.md"}
        return self._said("claims", "claims", settings, {"inputs": inputs}, files)

    def _runs(self) -> list[Run]:
        return self.study.all_runs(self.names)

    def _metrics(self, runs: Iterable[Run]) -> list[str]:
        return self.paths(Product("metrics.json", run=run) for run in runs)

    def _written(self, table: str) -> Job:
        """Make a table: its own section of the study, and what else it reads."""
        source = TABLES[table]
        section = getattr(self.study, source.section)
        named = dict.fromkeys(name for _, name in section.named_models())
        for beside in source.beside:
            if found := getattr(self.study, beside):
                named |= dict.fromkeys(name for _, name in found.named_models())
        told = {
            "measurement": self.config.measurement.identity(),
            "margins": self.config.margins.identity(),
            "models": {name: self.models[name].identity() for name in sorted(named)},
            "names": self.names.to_dict(),
        }
        settings = {"module": source.module, "section": section.identity()}
        settings |= {key: told[key] for key in source.reads}
        inputs = self.paths(table_inputs(self.study, self.names, table))
        return self._said(
            "table",
            f"tables/{table}",
            settings,
            {"inputs": [*inputs, self.provenance]},
            {"csv": f"{table}.csv", "document": f"{table}.md"},
            modules=(f"linvae.tables.{source.module}",),
        )

    def _summary(self, claims: str) -> Job:
        settings = {"name": self.config.name, "epsilon": self.config.measurement.epsilon}
        inputs = {"inputs": [*self._metrics(self._runs()), claims, self.provenance]}
        files = {"summary": "summary.md", "runs": "runs.csv"}
        return self._said("summary", "summary", settings, inputs, files)

    def _record(self) -> Job:
        """Make the record of what the study was: where the images lie is no part of that."""
        configuration = self.config.identity()
        configuration["dataset"].pop("local_dir", None)
        made = self.paths(Product("made.json", run=run) for run in self._runs())
        settings = {"configuration": configuration, "device": self.device}
        inputs = {"made": made, "provenance": self.provenance}
        return self._said("record", "record", settings, inputs, {"study": "study.json"})

    def _titles(self) -> dict[str, dict[str, object]]:
        """Return by figure the question that it belongs to, and its title."""
        return {
            name: {"question": FIGURES[name].question, "title": FIGURES[name].title}
            for name in figures(self.study)
        }

    def _page(self, inputs: list[str], tables: Mapping[str, Job]) -> Job:
        seconds = sum(self.cost(run).cpu_seconds for run in self._runs())
        texts = {"captions": "report/figure.rst", "template": "report/page.html"}
        return self._said(
            "page",
            "page",
            {
                "cpu_seconds": round(seconds),
                "figures": self._titles(),
                "tables": {
                    name: {"title": TABLES[name].title, "settings": job.settings}
                    for name, job in tables.items()
                },
            },
            {"inputs": [*self._metrics(self._runs()), *inputs, self.provenance]},
            {"page": "index.html"},
            modules=tuple(f"linvae.tables.{TABLES[name].module}" for name in tables),
            texts={option: self.workflow.text_hash(path) for option, path in texts.items()},
            text_files=texts,
        )

    def plan(self) -> Plan:
        """Make all jobs, and the one that brings what they make to its stable names."""
        drawn = {figure: self._figure(figure) for figure in figures(self.study)}
        claims, record = self._claims(), self._record()
        summary = self._summary(claims.outputs["claims"])
        tables = {table: self._written(table) for table in tables_of(self.study)}
        shown = [claims.outputs["claims"], record.outputs["study"]]
        shown += [table.outputs["csv"] for table in tables.values()]
        page = self._page([*shown, *(job.outputs["png"] for job in drawn.values())], tables)
        named = {
            **{f"figures/{_name(path)}": path for path in _outputs(drawn.values())},
            **{f"tables/{_name(path)}": path for path in _outputs(tables.values())},
            **{_name(path): path for path in _outputs((claims, summary, record, page))},
        }
        runs = self._named_runs()
        others = [self.provenance, *self.paths(self.study.evidence(self.names))]
        others += self.paths(Product("made.json", run=run) for run in self._runs())
        final = self.job(
            "publish",
            f"results/{self.config.name}",
            {"files": named, "runs": runs},
            {"inputs": list(dict.fromkeys([*named.values(), *runs.values(), *others]))},
            {"stamp": f"finished-{ADDRESS}.txt"},
        )
        environment = {
            "LINVAE_CHECKPOINT_SECONDS": str(self.config.checkpoint_seconds),
            "LINVAE_SOURCE": self.origin.source,
        }
        if self.origin.local_dir:
            environment["LINVAE_DATA_DIR"] = self.origin.local_dir
        figures_at = {figure: job.address for figure, job in drawn.items()}
        return Plan(
            name=self.config.name,
            jobs=self.jobs,
            needs=self.needs,
            origin=self.origin,
            figures=figures_at,
            final=final.address,
            environment=environment,
        )

    def _named_runs(self) -> dict[str, str]:
        """Return each file of a run by the name that a person looks for."""
        runs = set(map(str, self._runs()))
        found = {}
        for file, path in self.files.items():
            if file.run is not None and str(file.run) in runs and file.file != "made.json":
                arm = f"graft-{file.variant}/" if file.variant else ""
                found[f"runs/{file.run}/{arm}{file.file}"] = path
        return dict(sorted(found.items()))


def _name(path: str) -> str:
    return path.rsplit("/", 1)[1]


def _outputs(jobs: Iterable[Job]) -> list[str]:
    return [path for job in jobs for path in job.outputs.values()]
