package main

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"shardproxy/admin"
)

const defaultAddr = "http://127.0.0.1:7080"

// flags are those of all commands.
type flags struct {
	getenv func(string) string

	addr, tokenFile, output string
	ca, cert, key           string
	timeout                 time.Duration
}

func (f *flags) register(cmd *cobra.Command) {
	p := cmd.PersistentFlags()
	p.StringVar(&f.addr, "addr", "", "URL of the admin API, or several with commas between: the next is asked when one cannot be reached (default "+defaultAddr+")")
	p.StringVar(&f.tokenFile, "token-file", "", "file with the token of the admin API")
	p.StringVar(&f.ca, "ca", "", "PEM file with the authorities that sign the API's certificate")
	p.StringVar(&f.cert, "cert", "", "PEM file with a client certificate")
	p.StringVar(&f.key, "key", "", "PEM file with its private key")
	p.StringVarP(&f.output, "output", "o", "table", "table or json")
	fileFlags(cmd, "token-file", "ca", "cert", "key")
	p.DurationVar(&f.timeout, "timeout", 0, "how long the answer may take (default 30s, 90s for changes)")
}

// client makes a client of the flags; the caller closes it.
func (f *flags) client() (*admin.Client, error) {
	if f.output != "table" && f.output != "json" {
		return nil, fmt.Errorf("--output %s: table or json", f.output)
	}
	if f.timeout < 0 {
		return nil, fmt.Errorf("--timeout %s: it cannot be negative", f.timeout)
	}
	token := f.getenv("SHARDCTL_TOKEN")
	if f.tokenFile != "" {
		var err error
		if token, err = admin.ReadToken(f.tokenFile); err != nil {
			return nil, failed(err)
		}
	}
	t, err := f.tls()
	if err != nil {
		return nil, failed(err)
	}
	return admin.NewClient(admin.ClientOptions{
		Addr: cmp.Or(f.addr, f.getenv("SHARDCTL_ADDR"), defaultAddr), Token: token, TLS: t,
		Timeout: f.timeout, ChangeTimeout: f.timeout,
	})
}

// tls is nil where the system's authorities will do.
func (f *flags) tls() (*tls.Config, error) {
	if f.ca == "" && f.cert == "" && f.key == "" {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.ca != "" {
		pool, err := admin.ReadPool(f.ca)
		if err != nil {
			return nil, err
		}
		t.RootCAs = pool
	}
	if f.cert != "" || f.key != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, err
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}
