package noderegistry

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/jackc/pgx/v5"

	"shardproxy/internal/pgserver"
)

// pgTool runs a program of PostgreSQL.
func pgTool(t *testing.T, input []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(filepath.Join(cluster.Servers()[0].BinDir(), name), args...)
	var out, failed bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &failed
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, &failed)
	}
	return out.Bytes()
}

// A dump has the schema in it. Wherever it is restored, the copy is no node
// until it is made one, and the sessions in it are nobody's.
func TestRestoredDump(t *testing.T) {
	t.Parallel()
	dsn, admin := registryOf(t)
	registered(t, dsn, as("p-1", 1, 1))
	dump := pgTool(t, nil, "pg_dump", cluster.AdminDSN(t, 0, dsn))
	if n, err := CutOff(t.Context(), admin, one, 7, nil); n != 1 || err != nil { // after the dump
		t.Fatalf("ended %d, %v", n, err)
	}
	for name, server := range map[string]int{"same server": 0, "other server": 1} {
		t.Run(name, func(t *testing.T) {
			to := cluster.NewDatabase(t, server)
			restored := connect(t, cluster.AdminDSN(t, server, to))
			pgTool(t, dump, "psql", "-v", "ON_ERROR_STOP=1", "-q", cluster.AdminDSN(t, server, to))
			testCopy(t, to, restored)
		})
	}
	// The original is what it was.
	registered(t, dsn, as("p-1", 1, 7))
}

// testCopy checks that a copy of node one, made at epoch 0, serves nobody before
// it is adopted anew.
func testCopy(t *testing.T, dsn string, admin *pgx.Conn) {
	got, err := ReadIdentity(t.Context(), admin)
	if err != nil || *got != (Identity{Node: one, Copied: true}) {
		t.Errorf("%+v, %v", got, err)
	}
	refused(t, Register(t.Context(), login(t, dsn), as("p-1", 1, 9)), CopyOfNode, `copy of node "pg-1"`, "docs/privileges.md")
	refused(t, Check(t.Context(), admin, one), CopyOfNode, "docs/privileges.md")
	refused(t, Adopt(t.Context(), admin, one), CopyOfNode)
	refused(t, Check(t.Context(), admin, Node{"c-1", "app", "pg-2"}), OtherNode, "restored or copied", "empty")
	_, err = CutOff(t.Context(), admin, one, 9, nil)
	refused(t, err, CopyOfNode)
	if err := Readopt(t.Context(), admin, one, 7); err != nil {
		t.Fatal(err)
	}
	refused(t, Register(t.Context(), login(t, dsn), as("p-1", 1, 6)), StaleEpoch)
	if n, err := CutOff(t.Context(), admin, one, 7, nil); n != 0 || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
	if n := value[int](t, admin, "SELECT count(*) FROM shardproxy.session"); n != 0 {
		t.Errorf("%d sessions of the original", n)
	}
	registered(t, dsn, as("p-1", 1, 7))
}

// A database made from another as its template has another OID.
func TestTemplate(t *testing.T) {
	dsn, admin := registryOf(t)
	name := databaseOf(t, dsn) + "_copy"
	copied := *parsed(t, dsn)
	copied.Path = "/" + name
	maintenance := connect(t, cluster.AdminDSN(t, 0, "postgres://h/postgres"))
	if err := admin.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the template is free", func() bool {
		_, err := maintenance.Exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+databaseOf(t, dsn))
		return err == nil
	})
	t.Cleanup(func() {
		err := pgserver.Exec(context.Background(), cluster.AdminDSN(t, 0, "postgres://h/postgres"), "DROP DATABASE "+name+" WITH (FORCE)")
		if err != nil {
			t.Error(err)
		}
	})
	conn := connect(t, cluster.AdminDSN(t, 0, copied.String()))
	refused(t, Register(t.Context(), login(t, copied.String()), as("p-1", 1, 9)), CopyOfNode)
	refused(t, Adopt(t.Context(), conn, one), CopyOfNode)
}

// What docs/privileges.md says is what Readopt does.
func TestDocumentedReadoption(t *testing.T) {
	content, err := os.ReadFile("../../docs/privileges.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)<!-- readopt -->\n```sql\n(.*?)```").FindSubmatch(content)
	if block == nil {
		t.Fatal("docs/privileges.md does not say how to adopt a copy")
	}
	dsn, admin := registryOf(t)
	execSQL(t, admin, "UPDATE shardproxy.node SET system_identifier = 1, database_oid = 1")
	pgTool(t, block[1], "psql", "-v", "ON_ERROR_STOP=1", "-v", "epoch=7", "-q", cluster.AdminDSN(t, 0, dsn))
	if got, err := ReadIdentity(t.Context(), admin); err != nil || *got != (Identity{Node: one, MinEpoch: 7}) {
		t.Errorf("%+v, %v", got, err)
	}
	registered(t, dsn, as("p-1", 1, 7))
}

// pg_upgrade keeps the database's OID and makes a new system identifier.
func TestUpgradedServer(t *testing.T) {
	dsn, admin := registryOf(t)
	execSQL(t, admin, "UPDATE shardproxy.node SET system_identifier = system_identifier - 1")
	testCopy(t, dsn, admin)
}

// Without the right to read the identifier the database's OID has to do, and
// with it the row is completed.
func TestWithoutSystemIdentifier(t *testing.T) {
	dsn, admin := registryOf(t)
	execSQL(t, admin, "UPDATE shardproxy.node SET system_identifier = NULL")
	registered(t, dsn, as("p-1", 1, 1))
	if err := Adopt(t.Context(), admin, one); err != nil {
		t.Fatal(err)
	}
	if value[bool](t, admin, "SELECT system_identifier IS NULL FROM shardproxy.node") {
		t.Error("the row was not completed")
	}
	execSQL(t, admin, "UPDATE shardproxy.node SET system_identifier = NULL, database_oid = 1")
	refused(t, Register(t.Context(), login(t, dsn), as("p-1", 1, 1)), CopyOfNode)
	refused(t, Adopt(t.Context(), admin, one), CopyOfNode)
}
