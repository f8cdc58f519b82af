.PHONY: sandbox-figures testgen-models

sandbox-figures: $(STAMPS)/run ## Start-up of a sandboxed job; escape probes reached per layer removed (IMAGE=name: in the box, too)
	$(BIN)/python bench/sandbox_figures.py $(if $(IMAGE),--image $(IMAGE))

testgen-models: $(STAMPS)/dev ## Models in test generation, scripted: calls, tokens, repairs, cost per kept test
	$(BIN)/python bench/testgen_models.py
