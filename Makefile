# The two commands of a newcomer are `make demo` and `make test`; `make help` lists the others.

SHELL := /bin/bash
VENV := .venv
# Of ten thousand files with code a third is ever imported, and compiled then: once, also where an image of a container
# says that nothing compiled is to be kept. Each of hundreds of processes would compile torch, MONAI and nnU-Net anew.
INSTALL := -m pip install --quiet --no-compile
export PYTHONDONTWRITEBYTECODE :=
VENV312 := .venv312
BIN := $(VENV)/bin
REQUIREMENTS := pyproject.toml constraints.txt tools/find-python
# Without what it asks for: its networks for U-Nets need neither timm nor torchvision, which would replace torch.
NNUNET_NETWORKS := dynamic-network-architectures
EXTRAS := slicer,host,test,reference,lint
# One thread a process: two processes with two threads each would wait for one another on two cores.
# Each process takes the next file. Those with long tests begin; the default order begins with those of many tests, and
# one process would end alone with a comparison.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile \
  --no-loadscope-reorder --durations 12 --durations-min 3
SUITES := Testing/reference Testing/real Testing/contract Testing/unit
# The emulated application is one a process, as the real one, and a module that it reloads is another than before.
APART = OMP_NUM_THREADS=1 $(BIN)/python tools/test_apart.py
HOST_TESTS := $(sort $(wildcard Testing/host/test_*.py Testing/slicer/Python/test_*.py))
# On a second Python those that go through every layer: what else they hold is the same on both.
HOST_TESTS_312 := $(wildcard Testing/slicer/Python/test_*.py) $(foreach name, facts life_cycle panel_advanced \
  panel_dicom panel_run panel_store parameter_node_wrapper python_subclasses runs session, Testing/host/test_$(name).py)
SOURCES := MedAISeg Testing training benchmarks tools Resources

.DEFAULT_GOAL := help
.PHONY: help venv demo test reference lint format test-py312 bench bench-quick bench-growth bench-gpu cmake-lists requirements-list screenshots ci clean

help: ## print these lines
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(VENV)/installed ## create .venv with the pinned packages (3 minutes, 3.3 GB)

$(VENV)/installed: $(REQUIREMENTS)
	python=$$(tools/find-python 3.11 3.12 3.13) && "$$python" -m venv $(VENV)
	-$(BIN)/python -m pip uninstall --quiet --yes $(NNUNET_NETWORKS)
	$(BIN)/python $(INSTALL) --constraint constraints.txt --editable '.[$(EXTRAS)]'
	$(BIN)/python -m pip check
	$(BIN)/python $(INSTALL) --constraint constraints.txt --no-deps $(NNUNET_NETWORKS)
	touch $@

# nnU-Net, which our labels are compared with, stands apart: its packages ask for others that would replace torch.
$(VENV)/nnunet/installed: Testing/reference/nnunet_packages.txt | $(VENV)/installed
	rm -rf $(VENV)/nnunet
	$(BIN)/python $(INSTALL) --no-deps --target $(VENV)/nnunet --requirement $<
	touch $@

demo: venv ## make the sample study, segment it, write files and pictures into demo-output/
	$(BIN)/medaiseg demo --output demo-output

test: venv $(VENV)/nnunet/installed ## run the tests (some minutes)
	$(PYTEST) -m "not reference and not slow" $(SUITES)
	$(APART) -m "not reference and not slow" $(HOST_TESTS)

# pytest ends with what was not compared, and why: -ra, of pyproject.toml.
reference: venv $(VENV)/nnunet/installed ## compare with the reference implementations (long)
	$(APART) -m "reference or slow" $(HOST_TESTS)
	$(BIN)/python -m pytest -m "reference or slow" $(SUITES)

lint: venv ## check style, types and the layers
	$(BIN)/ruff check $(wildcard $(SOURCES))
	$(BIN)/ruff format --check $(wildcard $(SOURCES))
	$(BIN)/mypy
	$(BIN)/lint-imports

format: venv ## write the source in the project's style
	$(BIN)/ruff check --fix $(wildcard $(SOURCES))
	$(BIN)/ruff format $(wildcard $(SOURCES))

test-py312: ## run most of what needs no torch on Slicer's Python 3.12, where one is found
	@if tools/find-python 3.12 >/dev/null; then $(MAKE) --no-print-directory run-py312; \
	else echo "test-py312: skipped, this machine has no working Python 3.12"; fi

.PHONY: run-py312
run-py312: $(VENV312)/installed
	OMP_NUM_THREADS=1 $(VENV312)/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --without-engine \
	  -m "not engine and not reference and not slow" Testing/unit Testing/contract
	OMP_NUM_THREADS=1 $(VENV312)/bin/python tools/test_apart.py --without-engine -m "not engine and not reference and not slow" $(HOST_TESTS_312)

# Without the project itself, so that it can be made beside the other: both would write the same MedAISeg.egg-info.
$(VENV312)/packages: $(REQUIREMENTS)
	python=$$(tools/find-python 3.12) && "$$python" -m venv $(VENV312)
	$(VENV312)/bin/python tools/without_engine.py | \
	  $(VENV312)/bin/python $(INSTALL) --constraint constraints.txt --requirement /dev/stdin
	touch $@

$(VENV312)/installed: $(VENV312)/packages
	$(VENV312)/bin/python $(INSTALL) --no-deps --editable .
	touch $@

# ONLY="spleen nnunet25-small" measures some cases and keeps what is recorded of the others.
bench: venv $(VENV)/nnunet/installed ## measure time and memory against the references, and record them (many hours; ONLY="spleen …" for some)
	$(BIN)/python -m benchmarks.run --record $(ONLY:%=--only %)

bench-quick: venv ## the same for two small images, printed only
	$(BIN)/python -m benchmarks.run --quick

bench-growth: venv ## plot time and memory against slices and classes; start and throughput of the worker; results entering a scene
	$(BIN)/python -m benchmarks.growth --record
	$(BIN)/python -m benchmarks.service --record
	$(BIN)/python -m benchmarks.scene --record

bench-gpu: venv ## pack the benchmark for a machine with a GPU into build/gpu-benchmark (at most 60 MB)
	rm -rf build/gpu-benchmark
	$(BIN)/python -m benchmarks.gpu pack build/gpu-benchmark --wheels

requirements-list: venv ## write the hashed lists of what the worker needs (needs the network, some minutes)
	$(BIN)/python tools/requirements_list.py

screenshots: venv ## draw the panel in each of its states into build/screenshots, by the emulated application
	$(BIN)/python tools/screenshots.py

cmake-lists: ## write the lists of packaged files into MedAISeg/CMakeLists.txt
	python3 tools/cmake_lists.py

ci: ## everything that continuous integration runs
	.ci/run

clean: ## remove the environments, caches and results
	rm -rf $(VENV) $(VENV312) demo-output build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache MedAISeg/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
