# Test runners of other languages, for real: their packages are pinned, and no part of the product.
RUNNER_PACKAGES := tests/runners/packages

.PHONY: languages

$(RUNNER_PACKAGES)/node_modules/.package-lock.json: $(RUNNER_PACKAGES)/package-lock.json
	cd $(RUNNER_PACKAGES) && npm install --no-save --silent --ignore-scripts --no-audit --no-fund

languages: $(STAMPS)/dev ## test-gen with the real runners of other languages (node and npm; what is missing is said)
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(RUNNER_PACKAGES)/node_modules/.package-lock.json; \
	else echo "make languages: npm is not installed here: vitest and jest are NOT tested" >&2; fi
	$(BIN)/python -m pytest -q -n 2 -rs tests/runners $(addprefix --ignore=,$(JVM_TESTS))
