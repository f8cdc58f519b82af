.PHONY: fabrications
fabrications: $(STAMPS)/dev ## Models that make findings up: what of it is published (nothing), what true is lost (nothing)
	$(BIN)/python tests/fabrications.py

.PHONY: bench-review
bench-review: $(STAMPS)/dev ## Input tokens of a whole review for each token of its diff, calls, wall time
	$(BIN)/python bench/review_tokens.py
