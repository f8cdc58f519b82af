.PHONY: review-quality
review-quality: $(STAMPS)/run ## Precision and recall of the review on the seeded changes (CONFIG=file, JSON=file)
	$(BIN)/python bench/review_quality.py $(if $(CONFIG),--config $(CONFIG)) $(if $(JSON),--json $(JSON))
