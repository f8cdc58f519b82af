# A real Prometheus reads what a run emits: the one on PATH (PROMETHEUS=program), else Debian's package, unpacked and not
# installed.
PROMETHEUS ?= prometheus
PROMETHEUS_HOME := bench/.prometheus

.PHONY: prometheus-bench

prometheus-bench: $(STAMPS)/run ## Debian's Prometheus scrapes metrics.prom and answers every panel of the dashboards
	@program=$$(command -v "$(PROMETHEUS)" || true); \
	if [ -z "$$program" ]; then \
	  command -v apt-get >/dev/null && command -v dpkg >/dev/null || { \
	    echo "make prometheus-bench: NOT RUN: there is no prometheus here; install one, or say which: PROMETHEUS=program" >&2; exit 1; }; \
	  program=$(CURDIR)/$(PROMETHEUS_HOME)/usr/bin/prometheus; \
	  if [ ! -x "$$program" ]; then \
	    mkdir -p $(PROMETHEUS_HOME); \
	    (cd $(PROMETHEUS_HOME) && apt-get download --quiet prometheus && dpkg -x prometheus_*.deb . && rm prometheus_*.deb) || { \
	      echo "make prometheus-bench: NOT RUN: apt-get cannot fetch the package prometheus (apt-get update first?)" >&2; exit 1; }; \
	  fi; \
	fi; \
	$(BIN)/python bench/prometheus.py --prometheus "$$program"
