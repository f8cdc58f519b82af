.PHONY: ledger-race report-scale dashboards
ledger-race: $(STAMPS)/run ## 8 parallel writers x 25 runs on a local bare repository: kept = written
	$(BIN)/python bench/ledger_race.py

report-scale: $(STAMPS)/run ## 12 months x 2,000 runs, a plan of 10,000 files, telemetry on and off: seconds and memory
	$(BIN)/python bench/report_scale.py

dashboards: $(STAMPS)/run ## Rewrite the Grafana dashboards from the emitted names
	$(BIN)/python scripts/dashboards
