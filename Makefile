# `make repro` runs the pipeline on the sample data, `make test` passes every check. Both install
# what they need into .venv first.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed
# One more than there are cores: many tests wait for DVC, a server or a browser.
TESTS_AT_ONCE := $(shell expr $$(nproc) + 1)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install locked image repro test test-fast test-torchvision check coverage site release mlflow params

help:
	@echo "make repro   run the pipeline on the data below data/"
	@echo "make test    lint, types and all tests"
	@echo "make test-fast  what takes seconds: no stage, cluster, browser or killed process"
	@echo "make check   lint and types alone"
	@echo "make mlflow  open the MLflow UI on loopback"
	@echo "make params  write params.yaml from conf/"
	@echo "make coverage  all tests, and the share of lines that they run"
	@echo "make test-torchvision  what needs a torchvision that fits torch"
	@echo "make site    the documentation, into site/"
	@echo "make locked  install by hashes alone"
	@echo "make image   a container image of Debian's and Python's packages alone"
	@echo "make release VERSION=0.2.0  see CONTRIBUTING.md"

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)

install: $(STAMP)

# Nothing but files of known hashes, on the platform that requirements.lock names.
locked:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $(STAMP)

# The base image is made here of Debian's packages, so that no registry of images is asked.
BUILDER ?= $(firstword $(foreach builder,docker podman buildah,$(shell command -v $(builder))))
image:
	$(if $(BUILDER),,$(error make image needs docker, podman or buildah))
	mkdir -p build
	mmdebstrap --variant=minbase bookworm build/debian.tar
	printf 'FROM scratch\nADD debian.tar /\n' | $(BUILDER) build --tag backlabel-base --file - build
	$(BUILDER) build $(BUILD_OPTIONS) --build-arg BASE=backlabel-base --tag backlabel .

# What is there already is kept: only missing sample data is fetched, from the repository itself.
# A kill may have left files of DVC torn, at which it would stop.
repro: install
	backlabel repair
	test -e data || dvc pull data.dvc
	dvc repro
	@backlabel summary
	@echo "'make mlflow' shows the run beside others, 'backlabel review' the pairs to be decided."
	@backlabel report

check: install
	ruff format --check .
	ruff check .
	mypy
	MYPYPATH=src:benchmarks mypy benchmarks/*.py benchmarks/*/*.py
	MYPYPATH=src mypy scripts/*.py

test: check
	pytest -n $(TESTS_AT_ONCE) --dist loadfile --no-loadscope-reorder

# torchvision has one build for each build of torch: where it fits, ImageFolder itself is tested.
test-torchvision: install
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torchvision
	pytest tests/pipeline/test_image_folder.py

test-fast: install
	pytest -n $(TESTS_AT_ONCE) --dist worksteal -m "not pipeline and not slow"

# Workers and `python -m backlabel` are counted too (pyproject.toml); compiled kernels cannot be.
coverage: install
	pytest -n $(TESTS_AT_ONCE) --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered --cov-report=xml

site: install
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

# The package's version is part of what the stages depend on: their results are committed with it.
release: check
	python scripts/release.py prepare "$(VERSION)"
	dvc repro
	dvc push
	rm -rf dist
	python -m build --outdir dist
	twine check --strict dist/*
	python scripts/release.py tag "$(VERSION)"

mlflow: install
	backlabel mlflow $(if $(PORT),--port $(PORT))

params: install
	backlabel compose
