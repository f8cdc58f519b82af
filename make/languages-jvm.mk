# Java, Kotlin and Go for real, with the system's packages: no registry of theirs is asked.
JVM_PACKAGES := default-jdk-headless junit5 libjacoco-java golang-go kotlin
JVM_TESTS := $(wildcard $(addprefix tests/runners/,test_junit.py test_junit_harness.py test_go_test.py test_kotlin.py \
  test_change_java.py test_change_go.py test_change_kotlin.py))

.PHONY: languages-jvm

languages-jvm: $(STAMPS)/dev ## test-gen with JUnit, JaCoCo, Kotlin and go test from the system's packages (root installs what is missing)
	@scripts/system-packages $(JVM_PACKAGES) || echo "make languages-jvm: the tests that are skipped below are NOT RUN" >&2
	TTA_LANGUAGES=1 $(BIN)/python -m pytest -q -n 2 -rs $(JVM_TESTS)
