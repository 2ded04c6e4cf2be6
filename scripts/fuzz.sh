#!/usr/bin/env bash
# Runs every fuzz target of the project for a while: fuzz.sh [DURATION], one
# after the other. A failing input is left in the package's testdata/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."

duration=${1:-10s}
go=${GO:-go}
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# fuzz PACKAGE TARGET. Minimizing interesting inputs takes a minute each unless
# told otherwise. When the time is up in the middle of it, go test may say
# "context deadline exceeded" and fail although no input did: that is no
# failure of ours.
fuzz() {
	"$go" test -run='^$' -fuzz="^$2\$" -fuzztime="$duration" -fuzzminimizetime=10x "$1" \
		</dev/null 2>&1 | tee "$output" && return
	grep -q '^ *context deadline exceeded$' "$output" &&
		! grep -Eq 'Failing input|seed corpus entry|panic:|fatal error:|\[build failed\]' "$output"
}

targets=0
failed=()
while IFS=: read -r file line; do
	package=$(dirname "$file")
	name=${line#func }
	name=${name%%(*}
	targets=$((targets + 1))
	echo "== $package $name"
	fuzz "$package" "$name" || failed+=("$package $name")
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
