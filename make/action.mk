# The Action: its image, its lints, its end-to-end.
LINT := .venv-lint
E2E := .venv-e2e
ENGINE ?= docker

.PHONY: image image-size selftest-image lint-action e2e

$(STAMPS)/lint-action: requirements/lint-action.txt | $(BIN)/python
	$(PYTHON) -m venv $(LINT)
	$(LINT)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/lint-action.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/e2e: requirements/e2e.txt | $(BIN)/python
	$(PYTHON) -m venv $(E2E)
	$(E2E)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/e2e.txt
	@mkdir -p $(STAMPS) && touch $@

lint-action: $(STAMPS)/lint-action ## zizmor, actionlint, JSON schemas, hadolint, shellcheck: the Action and the workflows
	scripts/lint-action $(LINT)/bin

image: ## Build the image of this tree, or find it by the hash of its content
	@TTA_CONTAINER_ENGINE=$(ENGINE) bash scripts/image.sh

image-size: ## Size of that image, and of what it is built on
	@TTA_CONTAINER_ENGINE=$(ENGINE) scripts/image-size

e2e: $(STAMPS)/dev $(STAMPS)/e2e ## The Action in a real runner and a real container, one line per scenario (needs docker or podman)
	@$(ENGINE) version >/dev/null 2>&1 || { \
	  echo "make e2e: NOT RUN: no container engine answers '$(ENGINE) version'; start one, or set DOCKER_HOST" >&2; exit 1; }
	ACT=$(abspath $(E2E))/bin/act $(BIN)/python -m pytest -p no:cacheprovider --no-header --tb=short -v tests/e2e/scenarios.py
