package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgstartup"
)

// TestVerifiers: what is stored lets exactly the password in, and shows it not.
func TestVerifiers(t *testing.T) {
	g, _, c := one(t)
	for _, password := range []string{"geheim", "pässwörd ", "\u00adx", strings.Repeat("x", 1024), `{"$`} {
		if _, err := c.SetUser(t.Context(), "ann", UserSettings{Password: secret(password)}); err != nil {
			t.Fatalf("%q: %v", password, err)
		}
		stored := g.current().Users["ann"].Secret
		if _, err := pgstartup.ParseSecret(stored); err != nil || !strings.HasPrefix(stored, verifierPrefix) {
			t.Errorf("%q: %v", password, err)
		}
		if !matches(stored, password) || matches(stored, password+"x") || matches(stored, "") {
			t.Errorf("%q: the verifier does not tell it from others", password)
		}
	}
	for _, password := range []string{"", "\u00ad", strings.Repeat("x", 1025)} {
		var problem *Problem
		if _, err := c.SetUser(t.Context(), "ann", UserSettings{Password: secret(password)}); !errors.As(err, &problem) || problem.Code != CodeInvalid {
			t.Errorf("%d bytes: %v", len(password), err)
		}
	}
	if matches(verifierPrefix+"2000000000:c2FsdA==$x:y", "x") {
		t.Error("an expensive verifier was tried")
	}
	// A plain password of a configuration is replaced by its verifier.
	if _, err := c.SetUser(t.Context(), "app", UserSettings{Password: secret(hunter)}); err != nil {
		t.Fatal(err)
	}
	if stored := g.current().Users["app"].Secret; !strings.HasPrefix(stored, verifierPrefix) {
		t.Error("a plain password stayed")
	}
}

func TestUserSettingsMerge(t *testing.T) {
	g, _, c := one(t)
	yes, no, none := true, false, ""
	all := []string{}
	set := func(s UserSettings) *topology.User {
		t.Helper()
		if _, err := c.SetUser(t.Context(), "app", s); err != nil {
			t.Fatal(err)
		}
		return g.current().Users["app"]
	}
	set(UserSettings{NodeHints: &yes, SessionPooling: &yes, Databases: &[]string{"app", "app"}})
	want := &topology.User{
		Name: "app", Secret: hunter, BackendUser: "be", BackendPassword: hunter,
		NodeHints: true, SessionPooling: true, Databases: []string{"app"},
	}
	if diff := cmp.Diff(want, set(UserSettings{})); diff != "" {
		t.Error(diff)
	}
	want = &topology.User{Name: "app", SessionPooling: true}
	got := set(UserSettings{NodeHints: &no, Databases: &all, Secret: secret(""), BackendUser: &none, BackendPassword: secret("")})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	users, err := c.Users(t.Context())
	if err != nil || users.Users[0].Login != "certificate" {
		t.Errorf("%+v, %v", users, err)
	}
}

// TestConcurrentChanges: a change of something else in between does not matter,
// and no change is lost.
func TestConcurrentChanges(t *testing.T) {
	g, _, c := one(t)
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			if _, err := c.SetUser(t.Context(), fmt.Sprintf("u%d", i), UserSettings{Secret: secret("")}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if len(g.current().Users) != 7 || len(g.commands) != 6 {
		t.Errorf("%d users after %d commands", len(g.current().Users), len(g.commands))
	}
}

// TestConflicts: apply is compared with what the caller was shown.
func TestConflicts(t *testing.T) {
	g, _, c := one(t)
	request := ApplyRequest{Document: Document{Users: &[]UserDocument{{Name: "app"}, {Name: "ann", Secret: secret("")}}}, DryRun: true}
	shown, err := c.Apply(t.Context(), request)
	if err != nil || len(shown.Differences) != 1 || len(g.commands) != 0 {
		t.Fatalf("%+v, %v", shown, err)
	}
	request.DryRun, request.Epoch = false, shown.Epoch
	// The other change comes between the look at the epoch and the proposal.
	g.before = func(ctx context.Context) error {
		g.before = nil
		_, err := g.change(ctx, 0, topology.SetFlag{Name: topology.FlagMaxVoters, Value: "7"})
		return err
	}
	var problem *Problem
	if _, err := c.Apply(t.Context(), request); !errors.As(err, &problem) || problem.Code != CodeConflict || problem.Decided != 7 || problem.Current != 8 {
		t.Errorf("got %+v", problem)
	}
	// And before it.
	if _, err := c.Apply(t.Context(), request); !errors.As(err, &problem) || problem.Code != CodeConflict || problem.Current != 8 {
		t.Errorf("got %+v", problem)
	}
	request.Epoch = 8
	if done, err := c.Apply(t.Context(), request); err != nil || done.Epoch != 9 || g.current().Users["ann"] == nil {
		t.Errorf("%+v, %v", done, err)
	}
}

// TestUnderWay: a change that waits for another one is not tried again.
func TestUnderWay(t *testing.T) {
	g, _, c := one(t)
	tries := 0
	g.before = func(context.Context) error {
		tries++
		return fmt.Errorf("pause: %w", &topology.Conflict{Current: 7, What: "rules of database app are being changed"})
	}
	var problem *Problem
	if _, err := c.Pause(t.Context(), "app"); !errors.As(err, &problem) || problem.Code != CodeConflict || !strings.Contains(problem.Hint, "under way") {
		t.Errorf("got %+v", problem)
	}
	if tries != 1 {
		t.Errorf("%d tries", tries)
	}
}

// TestEndlessConflicts: who is always overtaken gives up.
func TestEndlessConflicts(t *testing.T) {
	g, _, c := one(t)
	tries := 0
	g.before = func(context.Context) error {
		tries++
		g.mu.Lock()
		defer g.mu.Unlock()
		next := *g.t
		next.Epoch++
		g.t = &next
		return nil
	}
	var problem *Problem
	if _, err := c.SetFlag(t.Context(), "max_voters", "3"); !errors.As(err, &problem) || problem.Code != CodeConflict || tries != maxDecisions {
		t.Errorf("%d tries: %+v", tries, problem)
	}
}

// TestUnsettled: a change that was made is not denied.
func TestUnsettled(t *testing.T) {
	g, _, c := one(t)
	g.after = fmt.Errorf("p3 is silent: %w", ErrUnsettled)
	var problem *Problem
	if _, err := c.Pause(t.Context(), "app"); !errors.As(err, &problem) || problem.Code != CodeUnsettled || problem.Epoch != 8 {
		t.Errorf("got %+v", problem)
	}
	if logs := g.logged(); !strings.Contains(logs, "result=unsettled epoch=8") {
		t.Error(logs)
	}
}

// TestProblemsOfSources: each error has its code.
func TestProblemsOfSources(t *testing.T) {
	g, _, c := one(t)
	tests := []struct {
		err  error
		code Code
	}{
		{fmt.Errorf("propose: %w: %w", ErrNoLeader, context.DeadlineExceeded), CodeNoLeader},
		{fmt.Errorf("propose: %w", ErrOutcomeUnknown), CodeOutcomeUnknown},
		{context.DeadlineExceeded, CodeOutcomeUnknown},
		{context.Canceled, CodeOutcomeUnknown},
		{fmt.Errorf("user: %w", topology.ErrNotFound), CodeUnknownName},
		{fmt.Errorf("user: %w", topology.ErrExists), CodeRefused},
		{fmt.Errorf("user: %w", topology.ErrInUse), CodeRefused},
		{fmt.Errorf("user: %w", topology.ErrTransition), CodeRefused},
		{fmt.Errorf("user: %w", topology.ErrInvalid), CodeInvalid},
		{fmt.Errorf("user: %w", topology.ErrUnknownCommand), CodeRefused},
		{NodeFailed("pg-1", "it is down", "Start it."), CodeNodeFailed},
		{errors.New("secret things"), CodeInternal},
	}
	for _, test := range tests {
		g.before = func(context.Context) error { return test.err }
		var problem *Problem
		if _, err := c.RemoveUser(t.Context(), "app"); !errors.As(err, &problem) || problem.Code != test.code || problem.Peer != "p1" {
			t.Errorf("%v: %+v", test.err, problem)
		} else if problem.Status != problem.Code.status() || problem.Type != "urn:shardproxy:problem:"+string(test.code) {
			t.Errorf("%v: %+v", test.err, problem)
		}
	}
}

// TestGivenUp: a caller that goes takes its change with it.
func TestGivenUp(t *testing.T) {
	g, _, c := one(t)
	ended := make(chan error, 1)
	started := make(chan struct{})
	g.before = func(ctx context.Context) error {
		close(started)
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	if _, err := c.Pause(ctx, "app"); !errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("got %v", err)
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the change went on")
	}
	for deadline := time.Now().Add(5 * time.Second); !strings.Contains(g.logged(), "result=outcome_unknown"); {
		if time.Now().After(deadline) {
			t.Fatal(g.logged())
		}
		time.Sleep(time.Millisecond)
	}
}

// TestBackup: what was backed up can be restored, byte for byte, whoever wrote
// the file down again.
func TestBackup(t *testing.T) {
	g, _, c := one(t)
	if _, err := g.change(t.Context(), 0, topology.SetUser{User: topology.User{Name: "<&>\u2028", Secret: hunter}}); err != nil {
		t.Fatal(err)
	}
	kept := g.current()
	content, err := c.Backup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(content), `"contains_secrets":true`) || !strings.Contains(string(content), hunter) {
		t.Errorf("%s", content)
	}
	if logs := g.logged(); !strings.Contains(logs, `msg="admin secrets read" what=/v1/backup caller=local`) || strings.Contains(logs, hunter) {
		t.Error(logs)
	}
	var backup Backup
	if err := json.Unmarshal(content, &backup); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RemoveUser(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	var problem *Problem
	unpaused := RestoreRequest{Backup: backup, Epoch: uint64(g.current().Epoch)}
	if _, err := c.Restore(t.Context(), unpaused); !errors.As(err, &problem) || !strings.Contains(problem.Hint, "shardctl pause app") {
		t.Errorf("got %v", err)
	}
	if _, err := c.Pause(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	plan, err := c.Restore(t.Context(), RestoreRequest{Backup: backup, DryRun: true})
	if err != nil || !strings.Contains(strings.Join(lines(plan.Differences), "\n"), "+ user: app") || g.current().Users["app"] != nil {
		t.Fatalf("%+v, %v", plan, err)
	}
	done, err := c.Restore(t.Context(), RestoreRequest{Backup: backup, Epoch: plan.Epoch})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept.Users, g.current().Users); diff != "" || done.Epoch <= plan.Epoch || !g.current().Databases["app"].Paused {
		t.Errorf("epoch %d: %s", done.Epoch, diff)
	}
	if _, err := c.Restore(t.Context(), RestoreRequest{Backup: backup, Epoch: plan.Epoch}); !errors.As(err, &problem) || problem.Code != CodeConflict {
		t.Errorf("got %v", err)
	}
	damaged := backup
	damaged.Topology = []byte(strings.Replace(string(backup.Topology), hunter, "hunter3", 1))
	if _, err := c.Restore(t.Context(), RestoreRequest{Backup: damaged, DryRun: true}); !errors.As(err, &problem) || !strings.Contains(problem.Detail, "damaged") {
		t.Errorf("got %v", err)
	}
	indented, err := json.MarshalIndent(backup.Topology, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	// MarshalIndent escapes what a backup does not: that is another file.
	if strings.Contains(string(indented), `\u003c`) {
		backup.Topology = []byte(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(indented)))
	}
	if _, err := c.Restore(t.Context(), RestoreRequest{Backup: backup, DryRun: true}); err != nil {
		t.Errorf("indented: %v", err)
	}
}

// TestOtherSites: a page in an administrator's browser can change nothing.
func TestOtherSites(t *testing.T) {
	g := newGroup(t)
	_, o := g.join("p1")
	addr := g.start(t, "p1", o)
	for _, header := range []map[string]string{
		{"Origin": "https://evil.example", "Content-Type": "application/json"},
		{"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"},
	} {
		response, body := do(t, "POST", "http://"+addr+"/v1/databases/app/pause", "{}", header)
		if response.StatusCode != 403 || !strings.Contains(body, `"code":"forbidden_origin"`) {
			t.Errorf("%s: %s", response.Status, body)
		}
	}
	for _, header := range []map[string]string{
		{"Origin": "http://" + addr, "Content-Type": "application/json"},
		{"Content-Type": "text/plain"},
	} {
		response, body := do(t, "POST", "http://"+addr+"/v1/databases/app/pause", "{}", header)
		if want := map[string]int{"application/json": 200, "text/plain": 415}[header["Content-Type"]]; response.StatusCode != want {
			t.Errorf("%s: %s", response.Status, body)
		}
	}
	if len(g.commands) != 1 {
		t.Error(g.commands)
	}
}

// TestWithoutSources: what nobody can change is not there.
func TestWithoutSources(t *testing.T) {
	addr, _ := serve(t, options(newFake()))
	json := map[string]string{"Content-Type": "application/json"}
	for _, path := range []string{"/v1/apply", "/v1/restore", "/v1/databases/app/pause", "/v1/peers/p1/promote"} {
		if response, body := do(t, http.MethodPost, "http://"+addr+path, "{}", json); response.StatusCode != 404 {
			t.Errorf("%s: %s %s", path, response.Status, body)
		}
	}
	for _, path := range []string{"/v1/users/ann", "/v1/flags/x"} {
		if response, body := do(t, http.MethodPut, "http://"+addr+path, "{}", json); response.StatusCode != 405 {
			t.Errorf("%s: %s %s", path, response.Status, body)
		}
	}
}

// TestLongChanges: the listener's own timeouts end no change before its time.
func TestLongChanges(t *testing.T) {
	g := newGroup(t)
	_, o := g.join("p1")
	o.Timeout, o.ChangeTimeout = time.Millisecond, 5*time.Minute
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if s.http.WriteTimeout <= o.ChangeTimeout {
		t.Errorf("an answer may be written for %s", s.http.WriteTimeout)
	}
	g.before = func(ctx context.Context) error {
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) < o.ChangeTimeout-time.Minute {
			t.Errorf("the change has to end at %s", deadline)
		}
		return nil
	}
	c := client(t, ClientOptions{Addr: "http://" + g.start(t, "p1", o)})
	if _, err := c.SetFlag(t.Context(), "max_voters", "3"); err != nil {
		t.Error(err)
	}
}
