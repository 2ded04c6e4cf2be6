SELECT * FROM a, b, c

SELECT * FROM a JOIN b ON a.k = b.k

SELECT * FROM a INNER JOIN b USING (k, l)

SELECT * FROM a JOIN b USING (k) AS ab JOIN c ON ab.k = c.k

SELECT * FROM a LEFT JOIN b ON a.k = b.k AND b.x = 1

SELECT * FROM a LEFT OUTER JOIN b ON true RIGHT JOIN c ON a.k = c.k

SELECT * FROM a FULL OUTER JOIN b ON a.k = b.k

SELECT * FROM a CROSS JOIN b

SELECT * FROM a NATURAL JOIN b

SELECT * FROM a NATURAL LEFT JOIN b NATURAL FULL JOIN c

SELECT * FROM (a JOIN b ON a.k = b.k) AS j (x, y)

SELECT * FROM a LEFT JOIN (b JOIN c ON b.k = c.k) ON a.k = b.k

SELECT * FROM a JOIN b JOIN c ON b.x = c.x ON a.k = b.k

SELECT * FROM ONLY a, b *, ONLY (s.c) AS c2

SELECT * FROM t AS x (a, b)

SELECT * FROM db.s.t

SELECT * FROM (SELECT a FROM t) AS d

SELECT * FROM (SELECT a FROM t)

SELECT * FROM (SELECT a, b FROM t) d (x, y) WHERE x = 1

SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v (n, s)

SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.k = a.k) AS l

SELECT * FROM a LEFT JOIN LATERAL (SELECT * FROM b WHERE b.k = a.k LIMIT 1) AS l ON true

SELECT * FROM a CROSS JOIN LATERAL unnest(a.list) AS u (x)

SELECT * FROM generate_series(1, 10) AS g

SELECT * FROM generate_series(1, 10) AS g (n) WHERE n > 3

SELECT * FROM s.f(1, x => $1) WITH ORDINALITY AS f (a, ord)

SELECT * FROM json_to_record('{}') AS r (a int, b varchar(3), c int[])

SELECT * FROM f() AS (a int, b text COLLATE "C")

SELECT * FROM ROWS FROM (f(1), g(2) AS (a int, b text)) WITH ORDINALITY AS r (x, y, z, o)

SELECT * FROM current_date AS d, CAST(1 AS int) AS c

SELECT * FROM t TABLESAMPLE BERNOULLI (10) REPEATABLE ($1)

SELECT * FROM t AS x TABLESAMPLE my.method (f(1), 'two')

SELECT * FROM XMLTABLE('/r/x' PASSING (SELECT doc FROM d) COLUMNS id int PATH '@id' DEFAULT f(0) NOT NULL, n FOR ORDINALITY, v text PATH g('x')) AS x

SELECT * FROM t, LATERAL XMLTABLE(XMLNAMESPACES(ns(1) AS a, DEFAULT 'u'), t.p PASSING BY REF t.doc BY REF COLUMNS a int) AS x (b)

SELECT * FROM JSON_TABLE(t.doc, '$.a[*]' AS root PASSING $1 AS x, f(2) AS y COLUMNS (id FOR ORDINALITY, a int PATH '$.a' DEFAULT g(1) ON EMPTY ERROR ON ERROR, b text EXISTS PATH '$.b', c jsonb FORMAT JSON PATH '$.c' WITH WRAPPER, NESTED PATH '$.d[*]' AS n COLUMNS (e int, f text DEFAULT h(2) ON ERROR)) ERROR ON ERROR) AS j (one)

SELECT * FROM JSON_TABLE((SELECT doc FROM d WHERE k = 1), '$' COLUMNS (a int))

SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b']) AS u (n, s)

SELECT * FROM pg_temp.t, pg_catalog.pg_class, information_schema.tables

SELECT * FROM a JOIN b ON EXISTS (SELECT 1 FROM c WHERE c.k = a.k AND c.l = b.l)
