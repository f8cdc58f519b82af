.PHONY: escapes testgen-bench

escapes: $(STAMPS)/run ## Try to break out of the sandbox: probes tried, probes reached (0)
	$(BIN)/python -m tta_orchestrate.sandbox.escapes

testgen-bench: $(STAMPS)/dev ## Tests generated for real modules, against the rivals, as a table
	$(BIN)/python bench/testgen.py
