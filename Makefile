# The book's commands; `make` alone lists them.
PYTHON ?= python3
SCALE  ?= laptop
SEEDS  ?= 3
DEVICE ?= auto
HOST   ?= localhost
PORT   ?= 8000

VENV := .venv
PY   := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts/python.exe,bin/python)

.DEFAULT_GOAL := help
.PHONY: help book slides test processors serve zip pdf results bench clean

help: ## List these commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 18

book: $(VENV)/book.stamp ## Build the book: SCALE=smoke|demo|laptop|paper SEEDS=3 DEVICE=auto
	@$(PY) -m tools.build.book --scale "$(SCALE)" --seeds "$(SEEDS)" --device "$(DEVICE)"

slides: $(VENV)/book.stamp ## Make the slides for a class: SCALE= SEEDS=
	@$(PY) -m tools.build.slides --scale "$(SCALE)" --seeds "$(SEEDS)" --device "$(DEVICE)"

test: $(VENV)/dev.stamp ## Run all tests, notebooks and built pages included (ARGS= for pytest)
	@$(PY) -m pytest $(ARGS)
	@$(if $(ARGS),,$(PY) tests/caps.py quick)

processors: $(VENV)/dev.stamp ## Run all tests under every instruction set there is (hours)
	@$(PY) tests/caps.py all

serve: ## Show the built book at http://localhost:8000 (PORT=; HOST=0.0.0.0: to phones too)
	@$(PYTHON) -m tools.build.serve _build/html --host "$(HOST)" --port "$(PORT)"

zip: ## Pack the built book for a classroom: _build/critical-periods.zip
	@$(PYTHON) -m tools.build.zip _build/html _build/critical-periods.zip

pdf: $(VENV)/dev.stamp ## Print the built book: _build/critical-periods.pdf (needs Chromium)
	@$(PY) -m tools.build.pdf _build/html _build/critical-periods.pdf

results: $(VENV)/book.stamp ## Train whatever the stored results lack (SEEDS=, DEVICE=)
	@$(PY) -m cplib run book --seeds "$(SEEDS)" --device "$(DEVICE)"

bench: $(VENV)/dev.stamp ## Measure how fast it is (an hour, undisturbed): DEVICE=auto
	@for name in step neighbour scaling estimator sweep; do \
	  echo "$$name"; $(PY) benchmarks/$$name.py --device "$(DEVICE)" || exit 1; done

clean: ## Remove what make made; results, data and checkpoints stay
	@rm -rf $(VENV) _build .pytest_cache .ruff_cache .hypothesis *.egg-info build

$(VENV)/%.stamp: requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -m tools.build.environment $(VENV) requirements$(if $(filter dev,$*),-dev).txt $@
