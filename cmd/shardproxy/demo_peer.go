package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
)

// demoPeer is one proxy of a demo. It serves by a configuration file, as "shardproxy
// serve" does. Its files are in the folder of the first server, which is removed.
type demoPeer struct {
	name   string
	config string
	proxy  *proxy
	stop   context.CancelFunc
	served chan error // what serve returned
}

func peerName(i int) string { return fmt.Sprintf("proxy-%d", i+1) }

// startPeer starts a proxy: the first makes a cluster, the others join it.
func (d *demo) startPeer(ctx context.Context, i int) error {
	for attempt := 1; ; attempt++ {
		err := d.tryPeer(ctx, i)
		if err == nil || codeOf(err) != exitConfig || d.options.port != 0 || attempt == portAttempts {
			return err
		}
	}
}

func (d *demo) tryPeer(ctx context.Context, i int) error {
	var ports [3]int // for clients, the admin API, the other peers
	for n := range ports {
		var err error
		if ports[n], err = freePort(); err != nil {
			return err
		}
	}
	if i == 0 && d.options.port != 0 {
		ports[0] = d.options.port
	}
	p := &demoPeer{name: peerName(i), config: filepath.Join(d.servers[0].Dir(), peerName(i)+".yaml")}
	if err := os.WriteFile(p.config, d.configuration(i, ports), 0o600); err != nil {
		return err
	}
	c, err := loadConfig(p.config, nil)
	if err != nil {
		return err
	}
	logger, level := newLogger(&d.log, c.Log)
	if p.proxy, err = start(ctx, c, logger, level); err != nil {
		return err
	}
	ctx, p.stop = context.WithCancel(context.WithoutCancel(ctx))
	p.served = make(chan error, 1)
	d.peers = append(d.peers, p)
	go func() {
		err := p.proxy.serve(ctx)
		p.served <- err
		select {
		case d.ended <- err:
		default: // another has ended already
		}
	}()
	return nil
}

// configuration is a file that "shardproxy serve" could be given too.
func (d *demo) configuration(i int, ports [3]int) []byte {
	var b bytes.Buffer
	data := filepath.Join(d.servers[0].Dir(), peerName(i))
	fmt.Fprintf(&b, "# Written by shardproxy demo.\n")
	fmt.Fprintf(&b, "peer:\n  id: %s\n  data_dir: %q\n  raft: {listen: \"127.0.0.1:%d\"}\n", peerName(i), data, ports[2])
	if i == 0 {
		fmt.Fprintf(&b, "  bootstrap: true\n")
	} else {
		fmt.Fprintf(&b, "  join: [%q]\n", d.peers[0].proxy.adminAddress())
	}
	fmt.Fprintf(&b, "admin: {listen: \"127.0.0.1:%d\"}\n", ports[1])
	fmt.Fprintf(&b, "postgres: {listen: \"127.0.0.1:%d\"}\n", ports[0])
	if i > 0 {
		return b.Bytes() // the cluster knows the rest
	}
	fmt.Fprintf(&b, "users:\n  - {name: %[1]s, password: %[1]s, databases: [%[1]s], node_hints: true}\n", demoName)
	fmt.Fprintf(&b, "databases:\n  %s:\n    key_order: [user]   # all rows of a user are on one node\n    nodes:\n", demoName)
	for n, s := range d.servers {
		fmt.Fprintf(&b, "      - {name: %s, dsn: %q}\n", nodeName(n), s.DSN())
	}
	return b.Bytes()
}

// closePeers ends all proxies at once.
func (d *demo) closePeers() []error {
	errs := make([]error, len(d.peers))
	var group sync.WaitGroup
	for i, p := range d.peers {
		group.Go(func() {
			p.proxy.hurry()
			p.stop()
			errs[i] = <-p.served
		})
	}
	group.Wait()
	return errs
}

// dsn is what applications connect to.
func (p *demoPeer) dsn() string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(demoName, demoName), Host: p.proxy.address(), Path: "/" + demoName}
	return u.String()
}

// plainDSN is dsn for the tour itself, which must not depend on PGSSLMODE.
func (p *demoPeer) plainDSN() string { return p.dsn() + "?sslmode=disable" }

// adminURL is the base of its admin API.
func (p *demoPeer) adminURL() string { return "http://" + p.proxy.adminAddress() }

// dsn is that of the first proxy.
func (d *demo) dsn() string { return d.peers[0].dsn() }

// adminURL is that of the first proxy.
func (d *demo) adminURL() string { return d.peers[0].adminURL() }
