BENCH_DOCS := bench/.venv-docs
ORACLE := bench/oracle
DOCS_TOOLS := bench/.venv-docs-tools
DOCS_PACKAGES := requests click httpx rich pydantic networkx sqlalchemy django

.PHONY: docs-bench logseq-oracle docs-truth docs-tools

$(BENCH_DOCS)/done: | $(BIN)/python
	$(BIN)/python -m venv $(BENCH_DOCS)
	$(BENCH_DOCS)/bin/pip install --quiet --disable-pip-version-check --no-deps $(DOCS_PACKAGES)
	@touch $@

# A test-time oracle: nothing of it is part of the product.
$(ORACLE)/node_modules/mldoc/package.json:
	npm install --silent --no-save --no-audit --no-fund --prefix $(ORACLE) mldoc@1.6.0

docs-bench: $(STAMPS)/dev $(BENCH_DOCS)/done ## docgen on eight real packages: completeness, acceptance, time
	@if command -v node >/dev/null && command -v npm >/dev/null; then $(MAKE) --no-print-directory $(ORACLE)/node_modules/mldoc/package.json; fi
	$(BIN)/python bench/docs_bench.py $$(echo $(BENCH_DOCS)/lib/python3*/site-packages) $$(test -d $(ORACLE)/node_modules && echo $(ORACLE) || echo -)

docs-truth: $(STAMPS)/dev $(BENCH_DOCS)/done ## The truth gate: recall on injected lies, false positives on human docs
	$(BIN)/python bench/docs_truth.py $$(echo $(BENCH_DOCS)/lib/python3*/site-packages) requests click httpx rich pydantic networkx

$(DOCS_TOOLS)/done: | $(BIN)/python
	$(PYTHON) -m venv $(DOCS_TOOLS)
	$(DOCS_TOOLS)/bin/pip install --quiet --disable-pip-version-check mkdocs==1.6.1 sphinx==9.0.4 myst-parser==5.2.0
	@touch $@

docs-tools: $(STAMPS)/dev $(BENCH_DOCS)/done $(DOCS_TOOLS)/done ## MkDocs and Sphinx build what docgen writes, a warning is an error
	bench/docs_tools.sh $(abspath $(BIN))/tta-orchestrate $(abspath $(DOCS_TOOLS))/bin $$(echo $(abspath $(BENCH_DOCS))/lib/python3*/site-packages) requests click httpx rich networkx

logseq-oracle: $(STAMPS)/dev $(BENCH_DOCS)/done $(ORACLE)/node_modules/mldoc/package.json ## Our Logseq linter against Logseq's own parser
	rm -rf bench/.graph && mkdir -p bench/.graph
	for p in $(DOCS_PACKAGES); do cp -r $(BENCH_DOCS)/lib/python3*/site-packages/$$p bench/.graph/; done
	$(BIN)/tta-orchestrate docgen --all -C bench/.graph --output bench/.graph/out
	$(BIN)/tta-orchestrate docgen --lint bench/.graph/docs/tta
	$(BIN)/python bench/logseq_oracle.py $(ORACLE) bench/.graph/docs/tta/pages
	$(BIN)/python -m pytest -q tests/modes/docgen/test_escape.py tests/modes/docgen/test_lint.py
