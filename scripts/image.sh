#!/usr/bin/env bash
# Gets the action's image and names it in the output `image`:
# the input `image`, else the digest in image.lock, else a build of this very tree, kept by the hash of its content.
set -euo pipefail

root=${GITHUB_ACTION_PATH:-$(cd "$(dirname "$0")/.." && pwd)}
output=${GITHUB_OUTPUT:-/dev/null}

say() { printf '%s\n' "$*"; }
fail() { say "::error title=tta::$*"; exit 2; }
use() { printf 'image=%s\n' "$1" >>"$output"; say "image: $1"; exit 0; }

[[ $(uname -s) == Linux ]] || fail "the action runs on Linux runners only; use 'runs-on: ubuntu-latest'"
engine=${TTA_CONTAINER_ENGINE:-}
if [[ -z $engine ]]; then
  for engine in docker podman ''; do command -v "$engine" >/dev/null 2>&1 && break; done
fi
case $engine in
  docker | podman) ;;
  *) fail "this runner has no docker and no podman; use the second door of the action, tta/orchestrate/container@v1 (container/action.yml), which needs no docker command" ;;
esac

name='^[A-Za-z0-9][A-Za-z0-9._/:@-]*$'
if [[ -n ${TTA_IMAGE:-} ]]; then
  [[ $TTA_IMAGE =~ $name ]] || fail "the input 'image' is no image name"
  use "$TTA_IMAGE"
fi

lock=$(grep -v '^#' "$root/image.lock" | head -n 1)
if [[ $lock =~ $name && $lock == *@sha256:* ]]; then
  for try in 1 2 3; do
    if "$engine" pull --quiet "$lock" >/dev/null; then use "$lock"; fi
    say "pull $try of 3 failed"
    sleep $((try * 2))
  done
  say "::warning title=tta::the released image could not be pulled; building it from the action's own tree instead"
fi

base=${TTA_BASE_IMAGE:-python:3.13-slim-trixie}
[[ $base =~ $name ]] || fail "TTA_BASE_IMAGE is no image name"
cd "$root"
content=$({
  printf '%s\n' "$base"
  find Dockerfile .dockerignore LICENSE README.md pyproject.toml requirements/build.txt requirements/run.txt src \
    -type f -not -name '*.pyc' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
} | sha256sum | cut -c 1-16)
image=tta-orchestrate:$content
if ! "$engine" image inspect "$image" >/dev/null 2>&1; then
  say "::group::Building the image"
  "$engine" build --target run --build-arg "BASE_IMAGE=$base" --network "${TTA_BUILD_NETWORK:-default}" --tag "$image" .
  say "::endgroup::"
fi
use "$image"
