.PHONY: escapes

escapes: $(STAMPS)/run ## Try to break out of the sandbox: probes tried, probes reached (0)
	$(BIN)/python -m tta_orchestrate.sandbox.escapes

BENCH_TESTGEN := bench/.venv-testgen
BENCH_PYNGUIN := bench/.venv-pynguin
TESTGEN_PACKAGES := inflection roman python-slugify semver webcolors parse stringcase toolz boltons humanize isodate

# A short run by default; the whole one takes hours: TESTGEN="--jobs 2 --json FILE" (fourteen modules, 60 s, three seeds).
TESTGEN ?= --modules 3 --seconds 20 --seeds 1 --reruns 5 --jobs 2

.PHONY: testgen-bench testgen-changes

$(BENCH_TESTGEN)/done: | $(BIN)/python
	$(BIN)/python -m venv $(BENCH_TESTGEN)
	$(BENCH_TESTGEN)/bin/pip install --quiet --disable-pip-version-check pytest coverage 'hypothesis[cli]' $(TESTGEN_PACKAGES)
	@touch $@

$(BENCH_PYNGUIN)/done: | $(BIN)/python
	$(BIN)/python -m venv $(BENCH_PYNGUIN)
	$(BENCH_PYNGUIN)/bin/pip install --quiet --disable-pip-version-check pynguin pytest $(TESTGEN_PACKAGES) || echo "Pynguin cannot be installed here: its column says so"
	@touch $@

testgen-bench: $(STAMPS)/dev $(BENCH_TESTGEN)/done $(BENCH_PYNGUIN)/done ## Test generators compared: three modules, 20 s; the whole of it with TESTGEN="--jobs 2 --json FILE"
	$(BIN)/python bench/testgen.py --python $(BENCH_TESTGEN)/bin/python --pynguin $(BENCH_PYNGUIN)/bin/pynguin $(TESTGEN)

testgen-changes: TESTGEN = --jobs 2
testgen-changes: $(STAMPS)/dev $(BENCH_TESTGEN)/done ## Test-gen on 30 seeded changes; TESTGEN="--changes 4 --seconds 15" for a short one
	$(BIN)/python bench/testgen_changes.py --python $(BENCH_TESTGEN)/bin/python $(TESTGEN)
