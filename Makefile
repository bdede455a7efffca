# Everything a contributor runs. Each target installs what it needs into .venv; only python3 and make are presumed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# A change of pyproject.toml re-installs; an unchanged one costs nothing.
STAMP  := $(VENV)/.installed
DEMO   := $(VENV)/.demo
# MLServer, to test and measure against; its pins do not go with ours.
MLSERVER := .venv-mlserver

.PHONY: demo test check bench bench-link bench-server bench-policies bench-prediction bench-live bench-replay bench-fog test-arm clean

demo: $(DEMO)
	$(BIN)/offload-sdk demo

test: $(STAMP) $(MLSERVER)/.installed
	$(BIN)/python -m pytest

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Each prints a table; ratios are measured side by side, but a quiet machine still gives the better figures.
bench: $(STAMP)
	$(BIN)/python -m benchmarks.sdk
	$(BIN)/python -m benchmarks.log
	$(BIN)/python -m benchmarks.preprocessing
	$(BIN)/python -m benchmarks.payload

bench-link: $(STAMP)
	$(BIN)/python -m benchmarks.link_emulator

bench-server: $(STAMP)
	$(BIN)/python -m benchmarks.server

bench-policies: $(STAMP)
	$(BIN)/python -m benchmarks.policies --splice 20 --arrivals open

bench-prediction: $(STAMP)
	$(BIN)/python -m benchmarks.prediction

bench-live: $(STAMP)
	$(BIN)/python -m benchmarks.live

bench-replay: $(STAMP)
	$(BIN)/python -m benchmarks.replay

bench-fog: $(STAMP)
	$(BIN)/python -m benchmarks.fog --out benchmarks/results

test-arm:
	bash tests/arm/run.sh

clean:
	rm -rf $(VENV) $(MLSERVER) build dist .mypy_cache .ruff_cache .pytest_cache

# The demonstration needs much less than a contributor does.
$(DEMO): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[demo]'
	touch $(DEMO)

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(STAMP) $(DEMO)

# Where it cannot be installed its tests are skipped, but not in CI: there they fail without it.
$(MLSERVER)/.installed: tests/oip/requirements.txt
	test -x $(MLSERVER)/bin/python || $(PYTHON) -m venv $(MLSERVER)
	$(MLSERVER)/bin/python -m pip install --quiet --requirement tests/oip/requirements.txt \
		&& touch $@ || echo "MLServer cannot be installed here; its tests are skipped"
