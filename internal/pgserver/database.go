package pgserver

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// createDatabase makes the application's role and its database.
func (s *Server) createDatabase(ctx context.Context) error {
	var statements []string
	if s.opts.User != superuser {
		statements = append(statements, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD %s",
			pgx.Identifier{s.opts.User}.Sanitize(), quoteLiteral(s.opts.Password)))
	}
	if s.opts.Database != superuser {
		statements = append(statements, fmt.Sprintf("CREATE DATABASE %s OWNER %s",
			pgx.Identifier{s.opts.Database}.Sanitize(), pgx.Identifier{s.opts.User}.Sanitize()))
	} else {
		statements = append(statements, fmt.Sprintf("ALTER DATABASE %s OWNER TO %s",
			pgx.Identifier{s.opts.Database}.Sanitize(), pgx.Identifier{s.opts.User}.Sanitize()))
	}
	if err := Exec(ctx, s.dsn(superuser, s.opts.Password, superuser), statements...); err != nil {
		return fmt.Errorf("pgserver: create role and database: %w", err)
	}
	return nil
}

// Exec connects to dsn, runs the statements one by one, each in a transaction
// of its own, and disconnects.
func Exec(ctx context.Context, dsn string, statements ...string) (err error) {
	conn, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	for _, statement := range statements {
		if err := conn.Exec(ctx, statement).Close(); err != nil {
			return fmt.Errorf("%s: %w", firstWords(statement), err)
		}
	}
	return nil
}

// quoteLiteral quotes text under standard_conforming_strings.
func quoteLiteral(text string) string {
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// firstWords names a statement without its values, which may be secrets.
func firstWords(statement string) string {
	words := strings.Fields(statement)
	return strings.Join(words[:min(3, len(words))], " ")
}
