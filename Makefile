# make results       the default study, from nothing to figures, tables and claims
# make test          every test that needs no cluster
# make test-long     the same in their long versions, the notebooks executed, and other releases of Snakemake
# make notebooks     those of docs/notebooks, executed: each asserts what it says
# make test-cluster  the tests on a real one-node SLURM, where its programs are installed
# make smoke         a study of two to three minutes that runs every rule
# make plan          what is left of a study, and how long: make plan CONFIG=config/paper.yaml JOBS=8
# make tidy          what in results/ no study needs, with sizes: make tidy CONFIG=my.yaml, REMOVE=yes removes it
# make watch         progress and time left of the study that runs in this folder
# make report        Snakemake's report of a finished study: make report CONFIG=config/smoke.yaml
# make benchmarks    docs/benchmarks.md: times of one machine; make benchmarks STUDY=results/default
# make findings      docs/findings: tables and figures of the studies that were kept in docs/runs
# make schema        config/schema.json and docs/configuration.md, from the models
# make test-snakemakes  the tests of the workflow with the lowest and the newest Snakemake that are allowed
# make lint          the checkers that run before every merge
#
# TORCH=cpu (or cu126, ...) with any of them takes that build of torch from PyTorch's own index, where
# the default index would bring another: make results TORCH=cpu

PYTHON ?= python3
CORES ?= all
CLUSTER ?= tests/cluster
TORCH ?=
ACTIVATE = . .venv/bin/activate
COMPLETE = .venv/.complete$(addprefix -,$(TORCH))
INDEX = $(addprefix --extra-index-url https://download.pytorch.org/whl/,$(TORCH))
OVERLAY = $(if $(CONFIG),--configfile $(CONFIG))
REPORT = results/report$(addprefix -,$(basename $(notdir $(lastword $(CONFIG))))).html

.PHONY: results findings test test-long test-snakemakes notebooks test-cluster smoke lint report plan tidy watch benchmarks schema environment \
    clean-environment

results: environment
	$(ACTIVATE) && snakemake --cores $(CORES)

smoke: environment
	$(ACTIVATE) && snakemake --cores $(CORES) --configfile config/smoke.yaml

report: environment
	@$(ACTIVATE) && { told=$$(snakemake $(OVERLAY) -n --quiet rules 2>&1) || { echo "$$told" >&2; exit 1; }; } && \
	    case "$$told" in *"Nothing to be done"*) ;; *) \
	    echo "The study of $(or $(CONFIG),config.yaml) is not finished: snakemake $(OVERLAY) --cores all" >&2; exit 1;; esac
	$(ACTIVATE) && snakemake $(OVERLAY) --report $(REPORT)
	@echo "Read it in a browser: $(REPORT)"

test: environment
	$(ACTIVATE) && pytest --numprocesses auto --dist worksteal --durations 10 -m "not slurm"

test-long: environment
	$(ACTIVATE) && LINVAE_KILLS=20 LINVAE_EXHAUSTIVE=1 pytest --numprocesses auto --dist worksteal --durations 10 -m "not slurm"
	$(MAKE) notebooks
	$(MAKE) test-snakemakes

# The lowest and the newest release that pyproject.toml allows; `make test` takes the locked one.
OF_SNAKEMAKE = tests/workflow/test_addresses.py tests/workflow/test_edits.py tests/workflow/test_report.py \
    tests/workflow/test_deployment.py tests/workflow/test_plan.py tests/fault/test_reruns.py tests/fault/test_kill.py
test-snakemakes: environment
	for release in '==9.2.0' '<10'; do \
	    folder="$(CURDIR)/.venv/snakemakes/$$release" && rm -rf "$$folder" && \
	    .venv/bin/python -m pip install --quiet --target "$$folder" "snakemake$$release" && \
	    LINVAE_TEST_SNAKEMAKE="$$folder" .venv/bin/pytest --numprocesses auto --dist worksteal $(OF_SNAKEMAKE) || exit 1; \
	done

notebooks: environment
	$(ACTIVATE) && pytest --nbmake --nbmake-timeout 600 --numprocesses auto docs/notebooks

test-cluster: environment
	$(ACTIVATE) && pytest -m slurm --timeout 1800 $(CLUSTER)

lint: environment
	$(ACTIVATE) && ruff check . && ruff format --check . && snakefmt --check Snakefile workflow/Snakefile workflow/rules

$(COMPLETE): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "linvae needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(if $(TORCH),--clear) .venv
	.venv/bin/python -m pip install --quiet $(INDEX) --requirement requirements.lock
	.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# Programs of an environment name its folder: of one that was moved or copied they do not start.
environment: $(COMPLETE)
	@grep -qsF '$(CURDIR)/.venv' .venv/bin/activate || { echo "error: .venv was made in another folder" \
	    "than $(CURDIR), and does not work here: rm -r .venv, and make again" >&2; exit 1; }

plan: environment
	$(ACTIVATE) && python workflow/scripts/plan.py $(CONFIG) $(if $(JOBS),--jobs $(JOBS))

tidy: environment
	$(ACTIVATE) && python workflow/scripts/tidy.py $(CONFIG) $(if $(REMOVE),--remove)

# One folder runs one study at a time: what is watched needs no CONFIG.
watch: environment
	@test -x .venv/bin/snakesee || { echo "snakesee is not installed: .venv/bin/pip install 'snakesee>=0.9'" >&2; exit 1; }
	$(ACTIVATE) && snakesee watch

KEPT = docs/runs/default docs/runs/standard $(wildcard docs/runs/fashion)
findings: environment
	$(ACTIVATE) && python workflow/scripts/compare.py $(KEPT) --to docs/findings --kinds png

benchmarks: environment
	$(ACTIVATE) && python benchmarks/page.py $(if $(STUDY),--study $(STUDY))

schema: environment
	$(ACTIVATE) && python workflow/scripts/schema.py

clean-environment:
	rm -rf .venv
