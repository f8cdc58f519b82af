.PHONY: ledger-race report-scale dashboards
ledger-race: $(STAMPS)/run ## 8 parallel writers x 25 runs on a local bare repository: kept = written
	$(BIN)/python bench/ledger_race.py
