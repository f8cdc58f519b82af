.PHONY: escapes

escapes: $(STAMPS)/run ## Try to break out of the sandbox: probes tried, probes reached (0)
	$(BIN)/python -m tta_orchestrate.sandbox.escapes
