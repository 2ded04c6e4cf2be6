-- Made on every server before the proxy starts: what all nodes have a copy of.
CREATE TABLE countries (code text PRIMARY KEY, name text NOT NULL, area int);
INSERT INTO countries VALUES ('de', 'Deutschland', 357), ('fr', 'France', 643), ('jp', '日本', 377), ('xx', 'Nowhere', NULL);
CREATE TABLE plans (id int PRIMARY KEY, name text NOT NULL UNIQUE, price numeric(8, 2) NOT NULL);
INSERT INTO plans VALUES (1, 'free', 0), (2, 'pro', 9.90), (3, 'team', 49.00);
