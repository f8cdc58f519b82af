.PHONY: chaos

chaos: $(STAMPS)/dev ## Every fault at every place: silent greens 0, overruns 0, double-paid 0
	$(BIN)/python tests/chaos/matrix.py
