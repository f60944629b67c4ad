"""The jobs that compute: images, data, closed forms, runs and their measurement."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from linvae.config.configuration import StudyConfig
from linvae.images.registry import shape_of
from linvae.jobs.job import Job
from linvae.naming import DataName, Product, Run, parse_data
from linvae.planning.images import Origin, memory_of, origin_of
from linvae.planning.needs import Needs, needs_of_measuring, needs_of_training
from linvae.planning.workflow import Workflow
from linvae.settings.jobs import GraftJob, MeasurementJob
from linvae.settings.likelihood_job import LikelihoodJob
from linvae.settings.run_job import RunJob
from linvae.study import cost
from linvae.study.likelihood import WayOn

__all__ = ["ADDRESS", "Computed"]

# Where the address comes in a path.
ADDRESS = "{address}"
_MADE = {"made": "made.json"}
# What training a run on reads beside its weights, which says if it could be measured.
_READ = {"graft": ("residual", "residual.npz"), "likelihood": ("measured", "metrics.json")}
_MEASURED = {"kl": "kl.npz", "samples": "samples.npz", "residual": "residual.npz"}


class Computed:
    """The jobs that compute: images, data, closed forms, runs; each made when it is asked for."""

    def __init__(
        self, config: StudyConfig, workflow: Workflow, device: str, origin: Origin | None
    ) -> None:
        self.config, self.workflow, self.device = config, workflow, device
        self.study, self.names, self.rates = config.study, config.names(), workflow.rates()
        self.models = {name: config.model_on(name, device) for name in config.models}
        self.shown_first = set(self.study.runs("linear", self.names))
        self.jobs: dict[str, Job] = {}
        self.needs: dict[str, Needs] = {}
        self.files: dict[Product, str] = {}
        self.origin = origin or self._settled()
        self.images = self._fetch(self.origin)
        self.provenance = self._provenance()

    # --- one job ---------------------------------------------------------------------------------

    def job(
        self,
        program: str,
        place: str,
        settings: Mapping[str, object],
        inputs: Mapping[str, str | list[str]],
        files: Mapping[str, str],
        needs: Needs | None = None,
        **more: object,
    ) -> Job:
        """Make a job and note where its files lie.

        Raises
        ------
        ValueError
            If another job has the same address.
        """
        code = self.workflow.code(program, more.get("modules", ()))
        job = Job(program, place, settings, inputs, files, code, **more)
        if self.jobs.setdefault(job.address, job) != job:
            msg = f"{job.folder} and {self.jobs[job.address].folder} have one address"
            raise ValueError(msg)
        self.needs[job.address] = needs or Needs()
        return job

    def file(self, file: Product) -> str:
        """Return where a file lies; its job is made if it is none yet."""
        if file not in self.files:
            if file.run is not None and file.variant:
                self._trained_on(file.run, file.variant)
            elif file.run is not None:
                self._run(file.run)
            else:
                self._table(file)
        return self.files[file]

    def paths(self, files: Iterable[Product]) -> list[str]:
        """Return where several files lie."""
        return [self.file(file) for file in files]

    def _note(self, job: Job, **what: object) -> None:
        self.files |= {
            Product(path.rsplit("/", 1)[1], **what): path for path in job.outputs.values()
        }

    # --- images, data, closed forms --------------------------------------------------------------

    def _settled(self) -> Origin:
        dataset = self.config.dataset
        return origin_of(
            dataset.name,
            dataset.source,
            dataset.local_dir,
            memory_of(dataset.key),
            has_images=lambda origin: Path(self._fetch(origin)).exists(),
        )

    def _fetch(self, origin: Origin) -> str:
        """Return where the images lie: of one content at one address, wherever they come from.

        Which code reads them matters only where their content is not known beforehand.
        """
        code = self.workflow.code("fetch")
        settings = {
            "dataset": origin.dataset,
            "embedded": origin.source == "embedded",
            "pixels": origin.pixels,
            "files": None if origin.pixels else origin.files,
        }
        place = f"results/data/{self.config.dataset.key}/{ADDRESS}"
        files = {"images": "images.npz", **_MADE}
        job = Job("fetch", place, settings, {}, files, code, checked=bool(origin.pixels))
        if origin == getattr(self, "origin", None):
            self.jobs[job.address], self.needs[job.address] = job, Needs()
        return job.outputs["images"]

    def _provenance(self) -> str:
        settings = {"dataset": self.origin.dataset, "source": self.origin.source}
        place = f"results/data/{self.config.dataset.key}/{ADDRESS}"
        files = {"provenance": "provenance.json"}
        job = self.job("provenance", place, settings, {"images": self.images}, files)
        return job.outputs["provenance"]

    def _table(self, file: Product) -> None:
        """Make the data of a variant, or a table that is computed from their spectrum."""
        name, data = file.file, file.data
        if name == "data.npz":
            self._data(parse_data(data))
        elif name == "spectrum.npz":
            rows = self.file(Product("data.npz", data=data))
            files = {"spectrum": name}
            self._closed_form("spectrum", data, {}, files, {"data": rows}, priority=40)
        elif name == "maxima.csv":
            fixed_at = int(file.variant.removeprefix("at"))
            files, place = {"table": name}, f"{data}/{file.variant}"
            self._closed_form("ppca", place, {"fixed_at": fixed_at}, files)
        elif name == "restarts.csv":
            self._closed_form("restarts", data, self.study.restarts.job, {"table": name})
        elif name in ("points.csv", "paths.csv"):
            files = {"points": "points.csv", "paths": "paths.csv"}
            self._closed_form("saddles", data, self.study.saddles.job, files)
        else:
            self._closed_form("hessian", data, self.study.stationary.job, {"table": name})

    def _data(self, data: DataName) -> None:
        settings = {
            "preprocessing": data.preprocessing,
            "n_train": data.n_images,
            "n_test": data.n_test,
        }
        if data.after:
            settings["after"] = data.after
        if data.preprocessing == "logit":  # pixels are not dithered
            settings |= {"seed": data.seed, "logit_lambda": data.logit_lambda}
        place, needs = f"results/data/{data}/{ADDRESS}", Needs(priority=40)
        files = {"data": "data.npz", **_MADE}
        job = self.job("preprocess", place, settings, {"images": self.images}, files, needs)
        self._note(job, data=str(data))

    def _closed_form(
        self,
        program: str,
        place: str,
        settings: Mapping[str, object],
        files: Mapping[str, str],
        inputs: Mapping[str, str] | None = None,
        priority: int = 5,
    ) -> None:
        """Make a job that reads a spectrum, or what else is given."""
        data, _, variant = place.partition("/")
        inputs = inputs or {"spectrum": self.file(Product("spectrum.npz", data=data))}
        folder, needs = f"results/{program}/{place}/{ADDRESS}", Needs(priority=priority)
        job = self.job(program, folder, settings, inputs, {**files, **_MADE}, needs)
        self._note(job, data=data, variant=variant)

    # --- runs ------------------------------------------------------------------------------------

    def _run_settings(self, run: Run) -> dict[str, object]:
        model, threads = self.models[run.model], self.config.threads
        told = {"model": model, "n_latent": run.n_latent, "noise": run.noise, "seed": run.seed}
        shape = shape_of(parse_data(run.data).dataset)
        return {**told, "threads": threads, "image_shape": shape}

    def _run(self, run: Run) -> None:
        """Make the jobs that train and measure a run."""
        model, threads = self.models[run.model], self.config.threads
        first = run in self.shown_first
        spectrum = self.file(Product("spectrum.npz", data=run.data))
        data = self.file(Product("data.npz", data=run.data))
        times = {}
        if not model.decoder.is_linear:
            times = {"times": "times.csv"}
            # From a random start it needs nothing of the spectrum.
            read = {"spectrum": spectrum if model.start.weights == "principal" else []}
            program, inputs = "train_deep", {**read, "data": data}
        elif model.training.optimizer == "lbfgs":
            program, inputs = "solve", {"spectrum": spectrum}
        else:
            read = {"data": data if model.needs_data else []}
            program, inputs = "train_linear", {**read, "spectrum": spectrum}
        trained = self.job(
            program,
            f"results/train/{run}/{ADDRESS}",
            RunJob(**self._run_settings(run)).identity(),
            inputs,
            {"model": "model.safetensors", "curve": "curve.csv", **times, **_MADE},
            needs_of_training(model, self.cost(run), threads, shown_first=first),
        )
        self._note(trained, run=run)
        inputs = {key: trained.outputs[key] for key in ("model", "curve")} | {"spectrum": spectrum}
        files = {"metrics": "metrics.json", **_MADE}
        if model.is_linear:
            program, settings = "evaluate", RunJob(**self._run_settings(run)).identity()
        elif model.decoder.is_linear:
            program, settings = "evaluate_encoder", RunJob(**self._run_settings(run)).identity()
            inputs["data"] = data
        else:
            program, settings = "evaluate_deep", self._measured(run)
            inputs["data"] = data
            files = {"metrics": "metrics.json", **_MEASURED, **_MADE}
        needs = needs_of_measuring(model, run, threads, shown_first=first)
        place = f"{trained.folder}/{ADDRESS}"
        measured = self.job(program, place, settings, inputs, files, needs)
        self._note(measured, run=run)
        # Both have one; of a run it is that of its training.
        self.files[Product("made.json", run=run)] = trained.outputs["made"]

    def _measured(self, run: Run) -> dict[str, object]:
        data = parse_data(run.data)
        logit = {"logit_lambda": data.logit_lambda} if data.preprocessing == "logit" else {}
        return MeasurementJob(
            **self._run_settings(run),
            measurement=self.config.measurement,
            preprocessing=data.preprocessing,
            **logit,
        ).identity()

    def _trained_on(self, run: Run, variant: str) -> None:
        """Make the job of one arm of a graft, or of one bound."""
        told = self._run_settings(run) | {"measurement": self.config.measurement}
        given = (self.models[run.model], run, cost.training_images(run.data))
        if way := WayOn.parse(variant):
            costs = cost.bound_cost(*given, way.updates, way.draws, self.rates)
            self._arm("likelihood", run, variant, LikelihoodJob(**told, **way._asdict()), costs)
        else:
            arm, updates, *rate = variant.split("-")
            told |= {"arm": arm, "updates": int(updates), "rate": float(rate[0]) if rate else None}
            costs = cost.arm_cost(*given, int(updates), self.rates, arm)
            self._arm("graft", run, variant, GraftJob(**told), costs)

    def _arm(self, program: str, run: Run, variant: str, told: RunJob, costs: cost.Cost) -> None:
        """Make a job that trains a finished run on."""
        name, beside = _READ[program]
        measured = self.file(Product(beside, run=run))
        inputs = {
            "model": self.file(Product("model.safetensors", run=run)),
            name: measured,
            "data": self.file(Product("data.npz", data=run.data)),
        }
        place = f"{measured.rsplit('/', 1)[0]}/graft-{variant}/{ADDRESS}"
        files = {"metrics": f"{program}.json", "curve": "curve.csv", **_MADE}
        needs = needs_of_training(self.models[run.model], costs, self.config.threads)
        job = self.job(program, place, told.identity(), inputs, files, needs)
        self._note(job, run=run, variant=variant)

    def cost(self, run: Run) -> cost.Cost:
        """Estimate what training a run takes."""
        images = cost.training_images(run.data)
        return cost.job_cost(self.models[run.model], run, images, self.rates)
