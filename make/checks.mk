.PHONY: review-rules
review-rules: $(STAMPS)/run ## Rewrite the tables of docs/review-rules.md from the code
	$(BIN)/python scripts/review-rules
