# The commands of the book; `make` alone lists them.
PYTHON ?= python3
SCALE  ?= laptop
SEEDS  ?= all
DEVICE ?= auto
HOST   ?= localhost
PORT   ?= 8000
JOBS   ?= 2

VENV := .venv
PY   := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts/python.exe,bin/python)

.DEFAULT_GOAL := help
.PHONY: help book slides test processors serve zip embed data pdf results bench clean

help: ## List these commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 18

book: $(VENV)/book.stamp ## Build the book: SCALE=smoke|demo|laptop|paper SEEDS=all DEVICE=auto
	@$(PY) -m tools.build.book --scale "$(SCALE)" --seeds "$(SEEDS)" --device "$(DEVICE)"

slides: $(VENV)/book.stamp ## Build slides for a class: _build/slides.html (SCALE=, SEEDS=)
	@$(PY) -m tools.build.slides --scale "$(SCALE)" --seeds "$(SEEDS)" --device "$(DEVICE)"

test: export PYTEST_ADDOPTS ?= -n $(JOBS) --dist loadgroup
test: $(VENV)/dev.stamp ## Run all tests, notebooks and pages included (JOBS=2; ARGS= for pytest)
	@$(PY) -m pytest $(ARGS)
	@$(if $(ARGS),,$(PY) tests/caps.py quick)

processors: $(VENV)/dev.stamp ## Run all tests under every instruction set (hours)
	@$(PY) tests/caps.py all

serve: ## Show the built book at http://localhost:8000 (PORT=; HOST=0.0.0.0 for phones)
	@$(PYTHON) -m tools.build.serve _build/html --host "$(HOST)" --port "$(PORT)"

zip: ## Pack the built book for a classroom: _build/critical-periods.zip
	@$(PYTHON) -m tools.build.zip _build/html _build/critical-periods.zip

embed: $(VENV)/book.stamp ## Write explorers and laboratory as single files: _build/embed (SCALE=)
	@$(PY) -m tools.build.embed _build --scale "$(SCALE)"

data: $(VENV)/book.stamp ## Pack this edition's results, with checksums, for an archive
	@$(PY) -m tools.build.zip data _build

pdf: $(VENV)/dev.stamp ## Print the built book: _build/critical-periods.pdf (needs Chromium)
	@$(PY) -m tools.build.pdf _build/html _build/critical-periods.pdf

results: $(VENV)/book.stamp ## Train missing results (SEEDS=, DEVICE=)
	@$(PY) -m cplib run book --seeds "$(SEEDS)" --device "$(DEVICE)"

bench: $(VENV)/dev.stamp ## Run the benchmarks (about 1 h, idle machine): DEVICE=auto
	@for name in step neighbour scaling estimator sweep laboratory; do \
	  echo "$$name"; $(PY) benchmarks/$$name.py --device "$(DEVICE)" || exit 1; done

clean: ## Remove what make created; keep results, data and checkpoints
	@rm -rf $(VENV) _build .pytest_cache .ruff_cache .hypothesis *.egg-info build

$(VENV)/%.stamp: requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -m tools.build.environment $(VENV) requirements$(if $(filter dev,$*),-dev).txt $@
