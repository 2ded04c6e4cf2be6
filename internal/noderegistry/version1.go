package noderegistry

// version1 makes the schema. Its owner is the administrative role, and only
// register is for others: it runs with the owner's rights, finds nothing by
// search_path, and writes no row but the caller's.
const version1 = `
CREATE SCHEMA shardproxy;

CREATE TABLE shardproxy.version (
  one        boolean PRIMARY KEY DEFAULT true CHECK (one),
  version    integer NOT NULL,
  -- the oldest program that can work with this schema knows this version
  compatible integer NOT NULL
);
INSERT INTO shardproxy.version (version, compatible) VALUES (1, 1);

CREATE TABLE shardproxy.node (
  one               boolean PRIMARY KEY DEFAULT true CHECK (one),
  cluster_id        text NOT NULL CHECK (cluster_id <> ''),
  database          text NOT NULL CHECK (database <> ''),
  node_id           text NOT NULL CHECK (node_id <> ''),
  min_epoch         bigint NOT NULL DEFAULT 0 CHECK (min_epoch >= 0),
  -- where the row was written: a copy of the database has others
  system_identifier bigint,
  database_oid      oid NOT NULL
);

CREATE UNLOGGED TABLE shardproxy.session (
  pid           integer NOT NULL,
  backend_start timestamp with time zone NOT NULL,
  peer          text NOT NULL,
  incarnation   bigint NOT NULL,
  epoch         bigint NOT NULL,
  PRIMARY KEY (pid, backend_start)
);
` + register1

// register1 makes the function. The errors' SQLSTATEs are those of reasonOf.
//
// It sweeps now and then: a row without a process is of a session that is gone.
// The order matters: the DELETE takes its snapshot of the rows first and then
// looks at the processes, so a row that it sees is of a process that was there
// before. A process that the owner may not look at counts as the row's. It waits
// for no row, so that it cannot be part of a deadlock.
const register1 = `
CREATE FUNCTION shardproxy.register(
  as_cluster text, as_database text, as_node text,
  as_peer text, as_incarnation bigint, as_epoch bigint, as_pid bigint)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $register$
DECLARE
  here     shardproxy.node;
  here_oid oid;
  system   bigint;
  started  timestamp with time zone;
BEGIN
  IF as_pid IS DISTINCT FROM pg_backend_pid() THEN
    RAISE EXCEPTION USING ERRCODE = 'SP005',
      MESSAGE = 'a connection pooler answers in the place of the server',
      DETAIL = format('The login named process %s, the statement runs in process %s.', as_pid, pg_backend_pid()),
      HINT = 'Name the server itself in the dsn of the node.';
  END IF;

  -- Losing a registration in a crash does no harm: its session is lost with it.
  PERFORM set_config('synchronous_commit', 'off', true);

  SELECT * INTO here FROM shardproxy.node FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'SP001',
      MESSAGE = 'this database is not a node of any cluster',
      HINT = 'Add it as a node first.';
  END IF;
  IF (here.cluster_id, here.database, here.node_id) IS DISTINCT FROM (as_cluster, as_database, as_node) THEN
    RAISE EXCEPTION USING ERRCODE = 'SP002',
      MESSAGE = format('this is node "%s" of database "%s" in cluster "%s", not node "%s" of database "%s" in cluster "%s"',
        here.node_id, here.database, here.cluster_id, as_node, as_database, as_cluster),
      HINT = 'Correct the dsn of the node; perhaps those of two nodes are swapped.';
  END IF;
  SELECT a.backend_start, a.datid INTO started, here_oid FROM pg_stat_get_activity(pg_backend_pid()) AS a;
  IF here.system_identifier IS NOT NULL THEN
    SELECT c.system_identifier INTO system FROM pg_control_system() AS c;
  END IF;
  IF here.system_identifier IS DISTINCT FROM system OR here.database_oid IS DISTINCT FROM here_oid THEN
    RAISE EXCEPTION USING ERRCODE = 'SP003',
      MESSAGE = format('this database is a copy of node "%s" of database "%s"', as_node, as_database),
      DETAIL = 'It was adopted as another database or on another server, and restored or copied here since.',
      HINT = 'Correct the dsn of the node. If this database is to take its place, see "Restored and upgraded nodes" in docs/privileges.md.';
  END IF;
  IF as_epoch IS NULL OR as_epoch < here.min_epoch THEN
    RAISE EXCEPTION USING ERRCODE = 'SP004',
      MESSAGE = format('the topology of peer "%s" is out of date: it has epoch %s, the node accepts %s and later',
        as_peer, as_epoch, here.min_epoch),
      HINT = 'The peer must reach the others to learn what has changed; until then use another peer.';
  END IF;

  IF started IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'SP007',
      MESSAGE = format('role "%s" may not see the sessions of role "%s"', current_user, session_user),
      HINT = format('GRANT pg_read_all_stats, pg_signal_backend TO %I, or GRANT %I TO %1$I.', current_user, session_user);
  END IF;
  -- A row of this process with another start is of a session that is gone.
  WITH stale AS (DELETE FROM shardproxy.session AS s WHERE s.pid = pg_backend_pid() AND s.backend_start <> started)
  INSERT INTO shardproxy.session (pid, backend_start, peer, incarnation, epoch)
  VALUES (pg_backend_pid(), started, as_peer, as_incarnation, as_epoch)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'SP005',
      MESSAGE = 'the session is registered already: a connection pooler answers in the place of the server',
      HINT = 'Name the server itself in the dsn of the node.';
  END IF;

  IF pg_backend_pid() % 64 = 0 THEN
    PERFORM pg_stat_clear_snapshot();
    DELETE FROM shardproxy.session AS s USING (
      SELECT r.pid, r.backend_start FROM shardproxy.session AS r WHERE NOT EXISTS (
        SELECT FROM pg_stat_get_activity(NULL) AS a
        WHERE a.pid = r.pid AND (a.backend_start IS NULL OR a.backend_start = r.backend_start))
      FOR UPDATE SKIP LOCKED) AS gone
    WHERE s.pid = gone.pid AND s.backend_start = gone.backend_start;
  END IF;
END
$register$;
`
