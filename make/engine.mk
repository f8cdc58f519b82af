.PHONY: chaos

chaos: $(STAMPS)/dev ## Every fault at every place: silent greens 0, overruns 0, double-paid 0
	$(BIN)/python tests/chaos/matrix.py

.PHONY: selftest bench-engine

selftest: $(STAMPS)/run ## The whole way to the models and back, offline, scripted
	$(BIN)/tta-orchestrate selftest

bench-engine: $(STAMPS)/run ## Start to first request; throughput under faults
	$(BIN)/python bench/start_to_first_request.py
	$(BIN)/python bench/throughput.py
