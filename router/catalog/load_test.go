package catalog_test

import (
	"testing"
)

func TestFirst(t *testing.T) {
	f := newFleet(t, zero)
	f.everywhere(`CREATE TABLE users(id bigserial PRIMARY KEY, name text);
		CREATE TABLE projects(id serial PRIMARY KEY, user_id bigint REFERENCES users, name text);
		CREATE TABLE docs(id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id bigint, body text);`)
	r := f.load()
	t.Log(f.db.Describe())
	t.Log(r.Seeding.Basis, r.Strides, r.Problems)
}
