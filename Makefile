# `make repro` runs the pipeline on the sample data, `make test` passes every check. Both install
# what they need into .venv first.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install repro test test-fast check mlflow params

help:
	@echo "make repro   run the pipeline on the data below data/"
	@echo "make test    lint, types and all tests"
	@echo "make test-fast  all tests but those of the whole pipeline"
	@echo "make check   lint and types alone"
	@echo "make mlflow  open the MLflow UI on loopback"
	@echo "make params  write params.yaml from conf/"

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)

install: $(STAMP)

# What is there already is kept: only missing sample data is fetched, from the repository itself.
# A kill may have left files of DVC torn, at which it would stop.
repro: install
	backlabel repair
	test -e data || dvc pull data.dvc
	dvc repro
	@backlabel summary
	@echo "'make mlflow' shows the run beside others."

check: install
	ruff format --check .
	ruff check .
	mypy
	MYPYPATH=src:benchmarks mypy benchmarks/*.py benchmarks/*/*.py

test: check
	pytest -n auto --dist loadfile

test-fast: install
	pytest -n auto --dist worksteal -m "not pipeline"

mlflow: install
	backlabel mlflow $(if $(PORT),--port $(PORT))

params: install
	backlabel compose
