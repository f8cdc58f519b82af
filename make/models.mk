.PHONY: fabrications
fabrications: $(STAMPS)/dev ## Models that make findings up: what of it is published (nothing), what true is lost (nothing)
	$(BIN)/python tests/fabrications.py
