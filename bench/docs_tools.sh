#!/usr/bin/env bash
# MkDocs and Sphinx themselves build what docgen writes; a single warning fails. Usage: docs_tools.sh PROGRAM TOOLS SITE-PACKAGES PACKAGE...
set -euo pipefail
program=$1 tools=$2 site=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for package in "$@"; do
  for form in mkdocs sphinx; do
    root=$work/$form/$package
    mkdir -p "$root"
    cp -r "$site/$package" "$root/"
    (cd "$root" && "$program" docgen --all --format "$form" --output out >/dev/null 2>&1)
    cd "$root/docs/tta"
    if [ "$form" = mkdocs ]; then
      "$tools/mkdocs" build --strict --quiet --site-dir "$work/site-$form-$package"
    else
      "$tools/sphinx-build" -W --keep-going -q -b html . "$work/site-$form-$package"
    fi
    printf '%-12s %-8s %4d pages, no warning\n' "$package" "$form" "$(find . -name '*.md' | wc -l)"
    cd - >/dev/null
  done
done
