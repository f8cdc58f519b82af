schema: $(STAMPS)/run ## Refresh schema/ and the table of docs/configuration.md from the model
	$(BIN)/python scripts/configuration-docs
