# The one image of the action: the same for both doors, for the program and for the boxes that run tests.
ARG BASE_IMAGE=python:3.13-slim-trixie

FROM ${BASE_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
# Two environments: what runs, without pip; and what builds, left behind with this stage.
RUN python3 -m venv --without-pip /opt/tta && python3 -m venv /opt/build
COPY requirements/build.txt requirements/run.txt requirements/
RUN /opt/build/bin/pip install --no-deps --require-hashes -r requirements/build.txt \
 && /opt/build/bin/pip --python /opt/tta/bin/python install --no-compile --no-deps --require-hashes --only-binary :all: \
      -r requirements/run.txt
COPY LICENSE README.md pyproject.toml ./
COPY src src
# actions-toolkit ships a top-level package named `tests`, which would shadow a repository's own.
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/build/bin/pip --python /opt/tta/bin/python install --no-compile --no-deps --no-index /wheels/*.whl \
 && rm -rf /opt/tta/lib/python3*/site-packages/tests \
 && /opt/tta/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/tta/lib

FROM ${BASE_IMAGE} AS run
# git reads the objects of the repository; the version is the distribution's, with its security updates.
# hadolint ignore=DL3008
RUN if ! command -v git >/dev/null; then \
      apt-get update \
      && apt-get install --yes --no-install-recommends git \
      && rm -rf /var/lib/apt/lists/*; \
    fi \
 && useradd --uid 65532 --no-create-home --shell /usr/sbin/nologin tta
COPY --from=build /opt/tta /opt/tta
ENV PATH=/opt/tta/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 PYTHONUTF8=1
LABEL org.opencontainers.image.title="tta-orchestrate" \
      org.opencontainers.image.description="Reviews, tests and docs in CI: gates before judges, every cent reserved." \
      org.opencontainers.image.source="https://github.com/tta/orchestrate" \
      org.opencontainers.image.documentation="https://github.com/tta/orchestrate#readme" \
      org.opencontainers.image.licenses="MIT"
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["/opt/tta/bin/tta-orchestrate"]
CMD ["action"]

# The second door (container/action.yml): the runner gives a container action files that only root may write. The program
# changes to the owner of the workspace before it does anything.
FROM run AS door
# hadolint ignore=DL3002
USER 0:0
