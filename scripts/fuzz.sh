#!/usr/bin/env bash
# Runs every fuzz target of the project for a while: fuzz.sh [DURATION], one
# after the other. A failing input is left in the package's testdata/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."

duration=${1:-10s}
go=${GO:-go}
targets=0
failed=()
while IFS=: read -r file line; do
	name=${line#func }
	name=${name%%(*}
	package=$(dirname "$file")
	targets=$((targets + 1))
	echo "== $package $name"
	"$go" test -run='^$' -fuzz="^$name\$" -fuzztime="$duration" "$package" </dev/null ||
		failed+=("$package $name")
done < <(grep -rE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*\(' . | sort)

if [ "$targets" -eq 0 ]; then
	echo "found no fuzz target" >&2
	exit 1
fi
if [ "${#failed[@]}" -gt 0 ]; then
	printf 'failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
echo "$targets fuzz targets, $duration each"
