# make results       the default study, from nothing to figures, tables and claims
# make test          every test that needs no cluster
# make test-cluster  the tests on a real one-node SLURM, where its programs are installed
# make smoke         a study of two minutes that runs every rule
# make plan          what is left of a study, and how long: make plan CONFIG=config/paper.yaml JOBS=8
# make report        Snakemake's report of a finished study: make report CONFIG=config/smoke.yaml
# make benchmarks    docs/benchmarks.md: times of one machine; make benchmarks STUDY=results/default
# make schema        config/schema.json and docs/configuration.md, from the models
# make lint          the checkers that run before every merge

PYTHON ?= python3
CORES ?= all
ACTIVATE = . .venv/bin/activate
OVERLAY = $(addprefix --configfile ,$(CONFIG))
REPORT = results/report$(addprefix -,$(basename $(notdir $(CONFIG)))).html

.PHONY: results test test-cluster smoke lint report plan benchmarks schema clean-environment

results: .venv/.complete
	$(ACTIVATE) && snakemake --cores $(CORES)

smoke: .venv/.complete
	$(ACTIVATE) && snakemake --cores $(CORES) --configfile config/smoke.yaml

report: .venv/.complete
	@$(ACTIVATE) && { told=$$(snakemake $(OVERLAY) -n --quiet rules 2>&1) || { echo "$$told" >&2; exit 1; }; } && \
	    case "$$told" in *"Nothing to be done"*) ;; *) \
	    echo "The study of $(or $(CONFIG),config.yaml) is not finished: snakemake $(OVERLAY) --cores all" >&2; exit 1;; esac
	$(ACTIVATE) && snakemake $(OVERLAY) --report $(REPORT)

test: .venv/.complete
	$(ACTIVATE) && pytest --numprocesses auto --dist worksteal -m "not slurm"

test-cluster: .venv/.complete
	$(ACTIVATE) && pytest -m slurm --timeout 1800 tests/cluster

lint: .venv/.complete
	$(ACTIVATE) && ruff check . && ruff format --check . && snakefmt --check Snakefile workflow/Snakefile workflow/rules

.venv/.complete: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "linvae needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --requirement requirements.lock
	.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

plan: .venv/.complete
	$(ACTIVATE) && python workflow/scripts/plan.py $(CONFIG) $(if $(JOBS),--jobs $(JOBS))

benchmarks: .venv/.complete
	$(ACTIVATE) && python benchmarks/page.py $(if $(STUDY),--study $(STUDY))

schema: .venv/.complete
	$(ACTIVATE) && python workflow/scripts/schema.py

clean-environment:
	rm -rf .venv
