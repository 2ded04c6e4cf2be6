#!/usr/bin/env bash
# Installs what building, the demo and the tests need and this machine lacks:
# a C compiler (the SQL parser is PostgreSQL's own C code) and a PostgreSQL
# server with psql. Says what it does; does nothing when all is there.
#
# It never creates or starts a database server of the distribution: the demo
# and the tests start their own, in temporary directories.
set -euo pipefail

have() { command -v "$1" >/dev/null 2>&1; }

have_postgres() {
	local dir
	if [ -n "${SHARDPROXY_PG_BINDIR:-}" ]; then
		[ -x "$SHARDPROXY_PG_BINDIR/initdb" ] && [ -x "$SHARDPROXY_PG_BINDIR/postgres" ]
		return
	fi
	for dir in /usr/lib/postgresql/*/bin; do
		[ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] && return 0
	done
	have initdb && have postgres
}

if ! have go; then
	echo "Go is missing: see https://go.dev/dl/ (go.mod names the version)." >&2
	exit 1
fi

packages=()
# gcc alone brings no C library headers when recommendations are off.
have gcc || have clang || packages+=(gcc libc6-dev)
have_postgres || packages+=(postgresql)
have psql || packages+=(postgresql-client)

if [ "${#packages[@]}" -eq 0 ]; then
	exit 0
fi
if ! have apt-get; then
	echo "Missing: ${packages[*]} (names of Debian's packages). Install them with this system's package manager." >&2
	exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! have sudo; then
		echo "Missing: ${packages[*]}. As root: apt-get install -y ${packages[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
fi

install() {
	echo "Installing from the distribution: $*"
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -q --no-install-recommends "$@" </dev/null
}

"${as_root[@]}" apt-get update -q </dev/null

case " ${packages[*]} " in
*" postgresql "*)
	# Installing Debian's server package creates a cluster and starts it on port
	# 5432. Nobody asked for that: switch it off for this one installation.
	have pg_createcluster || install postgresql-common
	conf=/etc/postgresql-common/createcluster.conf
	saved=$(mktemp)
	cp "$conf" "$saved"
	restore() { "${as_root[@]}" cp "$saved" "$conf" && rm -f "$saved"; }
	trap restore EXIT
	echo "Setting create_main_cluster = false in $conf during the installation"
	echo "create_main_cluster = false" | "${as_root[@]}" tee -a "$conf" >/dev/null
	;;
esac

install "${packages[@]}"
