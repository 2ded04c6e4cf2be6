-- # point selects and comparisons

SELECT * FROM users WHERE id = 42

select id, name from public.users u where u.id = '42' and u.deleted_at is null

SELECT a FROM t WHERE b = -5 AND c = +5 AND d = - 5 AND e=-5 AND f = - -5 AND g-5 = 1

SELECT a - 5, a -5, a-5, -a, - a, 5 - 3, 5-3, (1)-5, a[1]-5, f(x)-5, x::int-5 FROM t

SELECT -5::int8, +5::int4, -5.5::numeric, - 5::float8

SELECT 1 + -2 * +3 / -4 ^ -5 % -6

SELECT @-5, a @> '{1}', a <@ '{2}', a @@ 'x', a <-> '[1,2,3]', a <#> '[1,2]', a <=> '[3]', a <+> '[4]'

SELECT a !~ 'x', a ~ 'y', a ~* 'z', a !~* 'w', a ~~ 'v', a !~~ 'u' FROM t

SELECT a ->> 'k', a -> 0, a #> '{x,y}', a #>> '{x,y}', a ? 'k', a ?| array['k'], a ?& '{k}', a @? '$.x', a || '{}' FROM t

SELECT a || 'x' || 5 || NULL || 'y'

SELECT 1 <> 2, 1 != 2, 1 <= 2, 1 >= 2, 1 = 2, 1 < 2, 1 > 2

SELECT a OPERATOR(pg_catalog.=) 5, a OPERATOR(pg_catalog.||) 'x', OPERATOR(pg_catalog.-) 5, a operator(pg_catalog.+) -5 FROM t

SELECT NOT true, NOT a AND b OR NOT 'true', NOT (5 = 5)

SELECT a IS NULL, a IS NOT NULL, a ISNULL, a NOTNULL, a IS TRUE, a IS NOT DISTINCT FROM 5, a IS DISTINCT FROM 'x', a IS DOCUMENT FROM t

SELECT a LIKE 'x%', a NOT LIKE 'x%', a ILIKE 'x' , a NOT ILIKE 'y', a LIKE 'x' ESCAPE '!', a SIMILAR TO 'x|y', a NOT SIMILAR TO 'z' ESCAPE '#' FROM t

SELECT a BETWEEN 1 AND 2, a NOT BETWEEN -1 AND +2, a BETWEEN SYMMETRIC 5 AND 3, a BETWEEN 'a' AND 'b' FROM t

SELECT a FROM t WHERE (a, b) = (1, 'x') AND (c, d) IN ((1, 2), (3, 4)) AND ROW(e, f) > ROW(5, 6)

SELECT a FROM t WHERE a = ANY ('{1,2,3}') OR a = ANY (ARRAY[1, 2, 3]) OR a = SOME ('{4}'::int[]) OR a <> ALL ('{5}')

SELECT a FROM t WHERE a IN (1) AND b IN (1, 2, 3) AND c IN ('a', 'b') AND d NOT IN (-1, - 2, +3, 4.5) AND e IN (1, NULL) AND f IN (SELECT 5)

SELECT a FROM t WHERE a IN ('5b9d7a3e-0000-0000-0000-000000000000'::uuid, '5b9d7a3e-0000-0000-0000-000000000001'::uuid)

SELECT a FROM t WHERE a IN ((1)) AND b IN ((1), (2)) AND c IN (1 + 1, 2)

SELECT * FROM t WHERE a IN ($1, $2, $3) AND b = $4 AND c IN ($5, 7)

SELECT * FROM t WHERE a = $1 AND b = $2::int AND c[$3] = $4

SELECT $1, $2 a, $3 "b", $4 + 5, $5-5, $6.x, ($7).y, $8[1]

select*from"t"where"a"=1and"b"='x'or"c"in(1,2) /* refused */

SELECT a"b" FROM t"u"

SELECT 1a /* refused */ /* kept */

SELECT 1.a /* refused */ /* kept */

SELECT 1e /* refused */ /* kept */

SELECT 1e+ /* refused */ /* kept */

SELECT 0x /* refused */ /* kept */

SELECT $1a /* kept */

SELECT 1__0 /* refused */ /* kept */

SELECT 0, 00, 042, 1., .5, 1.5, 1e5, 1E-5, 1.e5, .5e+5, 1.5e5, 0x1F, 0X1f, 0o17, 0b101, 1_000, 1_0.0_1e1_0, 0x_1

SELECT 9223372036854775807, 9223372036854775808, -9223372036854775808, 99999999999999999999999999, 1e400

SELECT 1.5 .5 /* refused */

SELECT 1 a, 2 as b, 3 "c", 'x' d, 'y' as e

SELECT t.*, u.* FROM t, u

SELECT (t).*, (t).a, (t.b).c, ((t.b).c[1]).d FROM t

SELECT count(*), count(DISTINCT a), count(ALL a), sum(a) FILTER (WHERE b = 5), f(VARIADIC '{1,2}'), f(a => 5, b := 'x') FROM t

SELECT ALL 1, 2

SELECT DISTINCT 1, 'x'

SELECT

-- # strings

SELECT 'it''s', '''', '', 'a''''b', E'a\'b', e'\\', E'\n\t\x41\101\u0041\U00000041', E'', E'''', E'a''b\\'

SELECT $$x$$, $$$$, $a$ $$ ' " $b$ $a$, $_1$x$_1$, $a$$a$, $ä$x$ä$

SELECT B'101', b'', X'1F', x'ab', N'x', n'it''s', U&'d\0061t', u&'d!0061t' UESCAPE '!'

SELECT a, "" FROM t /* refused */ /* kept */

SELECT "a""b", U&"d\0061t", u&"d!0061t" UESCAPE '!', "select", "A", "ä" FROM t

SELECT u & 'x', u&5, e, b, x, n, u, b - 1, x 'y', n, E FROM t

SELECT U & "x", U &"x", u& "x", u & "x" FROM t

SELECT e 'x', b 'y' FROM t

SELECT '--', '/*', '*/', ';', '$$', '"'

SELECT '{"a": "b''c", "d": [1, 2]}'::jsonb, '[1,2,3]'::vector, '2020-01-01'::date, '1 day'::interval, '{a,b}'::text[]

SELECT 'a' 'b' /* refused */

SELECT 'x'::text::varchar(10)::char(3), 'x'::"char", 'x'::character varying(5), '5'::bit varying(3), '5'::bit(4), 5::numeric(10,2), '5'::numeric(10, -2), 'x'::public.mytype(3), 5::decimal(3), 5::float(3), 5::dec

SELECT '10:00'::time(3), '10:00'::time with time zone, '10:00'::time(3) with time zone, 'now'::timestamp(0) without time zone, '1'::interval(3), '1'::interval day to second(3), '1'::interval second(3), '1'::double precision

SELECT CAST(5 AS numeric(10,2)), CAST('x' AS varchar(3)), CAST(-5 AS bit(3)), CAST('5' AS public.t(3)), CAST('{1}' AS int[3]), CAST('{1}' AS int array[4]), CAST('{1}' AS int[][])

SELECT '{1}'::int[3], '{1}'::int[], '{1}'::int[3][4], '{1}'::int array, '{1}'::int array[5], '{1}'::numeric(3,1)[2]

SELECT date '2020-01-01', timestamp '2020-01-01', timestamp(3) '2020-01-01', timestamp with time zone '2020-01-01', timestamptz '2020-01-01', time '10:00', time(3) with time zone '10:00', interval '1 day', interval '1' day, interval '1' second(3), interval '1' day to second(3), interval(3) '1 day'

SELECT int4 '5', int '5', bigint '5', numeric '5', numeric(10,2) '5', varchar(5) 'x', char 'x', character varying(3) 'x', nchar(3) 'x', national character varying(3) 'x', bit '1', bit(3) '101', bit varying(3) '101', double precision '5', float(3) '5', real '5', boolean 'true', bool 'f', text 'x', jsonb '{}', json '{}', uuid 'x', xml '<a/>'

SELECT point '(1,2)', "mytype" 'x', public.mytype 'x', public."My" 'x', "a"."b" 'x', text E'x\n', text $$x$$, regclass 't', mytype $a$x$a$

SELECT date '2020-01-01' + 5, interval '1 day' * 2, 5 * interval '1 day', now() - interval '7 days', date '2020-01-01' - date '2019-01-01'

SELECT public.mytype(3) 'x' /* kept */

SELECT mytype(3, 'a') 'x' /* kept */

SELECT mytype(a) E'x' FROM t /* kept */

SELECT * FROM t WHERE d > mytype(3) 'x' AND e = 5 /* kept */

SELECT 't'::regclass, 't'::pg_catalog.regclass, 't' :: regclass, ('t')::regclass, 't'::text::regclass, CAST('t' AS regclass), CAST('t' AS pg_catalog.regclass), 't'::"regclass", 1259::regclass, -1::oid::regclass, regclass('t')

SELECT a, 'x' FROM t WHERE b = 'y' AND c = 't'::regclass AND d = 'f(int)'::regprocedure AND e IN ('a'::regtype, 'b'::regtype) AND f = 'r'::regrole::oid

SELECT E't\'x'::regclass, $$t$$::regclass, 't'::regconfig, 'x'::regnamespace, to_tsvector('english'::regconfig, 'text')

SELECT nextval('s'), currval('public.s'), setval('s', 5, true), pg_catalog.nextval('s'::regclass), lastval(), set_config('a.b', 'c', false), current_setting('x', true), pg_get_serial_sequence('t', 'id'), to_regclass('t')

SELECT EXTRACT(year FROM now()), EXTRACT('year' FROM d), extract(epoch from timestamp '2020-01-01'), EXTRACT(DAY FROM '2020-01-01'::date), date_part('year', d) FROM t

SELECT SUBSTRING('abc' FROM 1 FOR 2), substring('abc', 1, 2), SUBSTRING(a FROM 'x') , SUBSTRING(a SIMILAR 'x' ESCAPE '#'), OVERLAY('abc' PLACING 'x' FROM 1 FOR 2), POSITION('a' IN 'abc'), POSITION('a' IN b), TRIM('  x '), TRIM(BOTH 'x' FROM a), TRIM(LEADING FROM a), TRIM(TRAILING 'x' FROM 'axx'), TRIM('x' FROM 'axx') FROM t

SELECT x AT TIME ZONE 'UTC', '2020-01-01' AT TIME ZONE 'UTC', x AT TIME ZONE interval '1' hour, x at time zone ('a' || 'b'), at, at.time FROM t at

SELECT COALESCE(a, 0), NULLIF(a, ''), GREATEST(1, 2, a), LEAST(a, -1), CASE WHEN a = 1 THEN 'x' WHEN a = 2 THEN 'y' ELSE 'z' END, CASE a WHEN 1 THEN -1 ELSE +1 END FROM t

SELECT NORMALIZE('x', NFC), 'x' IS NORMALIZED, COLLATION FOR ('x'), 'x' COLLATE "C", ('a' COLLATE "C") < 'b', a COLLATE "C" < 'x' FROM t

SELECT current_date - 5, current_timestamp(3), localtime(2), current_time(1), localtimestamp(0), current_user, session_user, user, current_time, localtimestamp

SELECT ARRAY[1, 2, 3], ARRAY['a', 'b']::text[], ARRAY[[1, 2], [3, 4]], ARRAY[]::int[], ARRAY(SELECT 5), (ARRAY[1,2])[1], a[1], a[1:2], a[:3], a[4:], a[1][2], (a)[1], (f(5))[2], (a[1])[2] FROM t

SELECT ROW(1, 'x'), ROW(), (1, 'x'), ROW(1, 2).* , (ROW(1, 2)).f1 /* refused */

SELECT ROW(1, 'x'), ROW(), (1, 'x'), (ROW(1, 2)).f1

SELECT '\', 'a\nb', 'c:\dir\'

-- # clauses

SELECT a FROM t ORDER BY 1

SELECT a, b FROM t ORDER BY 1, 2 DESC, a + 1, 3 NULLS LAST, (2), ((1)), +1

SELECT a, b FROM t ORDER BY -1

SELECT a, b, count(*) FROM t GROUP BY 1, 2 HAVING count(*) > 5 ORDER BY 3 DESC LIMIT 10 OFFSET 20

SELECT a, b FROM t GROUP BY ROLLUP (1, 2), CUBE (1, b), GROUPING SETS ((1), (1, 2), ()), a + 5

SELECT a, b FROM t GROUP BY DISTINCT 1, 2

SELECT a, b FROM t GROUP BY ALL 1, 2

SELECT a FROM t GROUP BY (1, 2), (3)

SELECT a FROM t ORDER BY f(1), coalesce(a, 5), CASE WHEN a THEN 1 ELSE 2 END, 3, a IN (1, 2), array[1, 2], 4

SELECT DISTINCT ON (1, a) a, b FROM t ORDER BY 1, 2

SELECT DISTINCT ON (a + 1) a, 'x' FROM t

SELECT a FROM t ORDER BY a <-> '[1,2,3]' LIMIT 5

SELECT a FROM t ORDER BY embedding <=> '[0.1,0.2]'::vector, 1

SELECT a FROM t ORDER BY a USING >, b USING <, 1

SELECT a FROM t ORDER BY (SELECT 5), 1

SELECT a FROM t ORDER BY t.by, 1, "by", 2

SELECT a FROM t LIMIT 10

SELECT a FROM t LIMIT ALL OFFSET 5

SELECT a FROM t LIMIT NULL

SELECT a FROM t OFFSET 5 LIMIT 10

SELECT a FROM t OFFSET 5 ROWS FETCH FIRST 10 ROWS ONLY

SELECT a FROM t OFFSET 1 ROW FETCH NEXT ROW ONLY

SELECT a FROM t ORDER BY a FETCH FIRST 5 ROWS WITH TIES

SELECT a FROM t FETCH FIRST (5 + 1) ROWS ONLY

SELECT a FROM t FETCH FIRST -5 ROWS ONLY

SELECT a FROM t LIMIT (5) OFFSET (SELECT 5)

SELECT a FROM t LIMIT -1 OFFSET +1

SELECT a FROM t LIMIT $1 OFFSET $2

SELECT a FROM t WHERE b = 5 FOR UPDATE

SELECT a FROM t WHERE b = 5 FOR NO KEY UPDATE OF t SKIP LOCKED

SELECT a FROM t FOR SHARE NOWAIT

SELECT a FROM t, u WHERE t.id = u.id AND t.x = 5

SELECT a FROM t JOIN u ON t.id = u.id AND u.x = 5 LEFT JOIN v USING (id) CROSS JOIN w NATURAL JOIN z

SELECT a FROM t LEFT OUTER JOIN LATERAL (SELECT * FROM u WHERE u.id = t.id LIMIT 5) x ON true

SELECT a FROM t, LATERAL f(t.id, 5) AS g(x), generate_series(1, 10) AS s(i), unnest('{1,2}'::int[], ARRAY['a']) WITH ORDINALITY AS n(p, q, r)

SELECT * FROM f(1) AS t(a int, b varchar(10), c numeric(10,2), d timestamp(3), e bit(5)[])

SELECT * FROM f('x') t(a varchar(10), b public.mytype(3))

SELECT * FROM f('x') AS (a varchar(10), b int[3])

SELECT * FROM ROWS FROM (f(1) AS (a numeric(3,2)), g('x')) AS t(a, b)

SELECT * FROM json_to_recordset('[{"a":1}]') AS x(a int, b varchar(5)) WHERE a = 5

SELECT * FROM t TABLESAMPLE bernoulli (10) REPEATABLE (5) WHERE a = 5

SELECT * FROM t AS u (a, b) WHERE u.a = 5

SELECT * FROM ONLY t WHERE a = 5

SELECT * FROM ONLY (t) WHERE a = 5

SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(x, y) WHERE x = 1

SELECT * FROM (VALUES (1), (2)) v JOIN (VALUES ('a'), ('b'), (NULL)) w ON true

SELECT * FROM ((SELECT 1) UNION (SELECT 2)) x

SELECT 1 UNION SELECT 2 UNION ALL SELECT 3 INTERSECT SELECT 4 EXCEPT SELECT 5 ORDER BY 1 LIMIT 5

(SELECT 1) UNION (SELECT 2) ORDER BY 1

((SELECT 1 LIMIT 5))

(SELECT a FROM t WHERE b = 5 LIMIT 1)

(VALUES (1), (2)) ORDER BY 1

(WITH x AS (SELECT 5) SELECT * FROM x)

(TABLE t)

(((TABLE t) UNION ALL SELECT 5))

VALUES (1, 'a'), (2, 'b'), (3, 'c')

VALUES (1), ('a'), (NULL), (2), (3), (DEFAULT)

VALUES (1, 2), (3, 4) ORDER BY 1 LIMIT 5

VALUES (1), (1 + 1), (2 + 2), ((SELECT 5)), ((SELECT 6))

VALUES ((VALUES (1))), ((VALUES (2))), ((VALUES (3), (4)))

VALUES (1, (SELECT a FROM t WHERE b IN (1, 2, 3))), (2, (SELECT a FROM t WHERE b IN (4)))

VALUES (('a'::regclass)), ('b'::regclass)

VALUES ($1, 1), ($1, 2), ($2, 3)

TABLE t

TABLE public.t ORDER BY 1 LIMIT 5

SELECT sum(a) OVER (PARTITION BY b ORDER BY c ROWS BETWEEN 5 PRECEDING AND CURRENT ROW) FROM t

SELECT sum(a) OVER (ORDER BY c RANGE BETWEEN '1 day' PRECEDING AND '2 days' FOLLOWING EXCLUDE TIES) FROM t

SELECT sum(a) OVER (ROWS 5 PRECEDING), rank() OVER w, ntile(4) OVER (w ORDER BY d <-> '[1]') FROM t WINDOW w AS (PARTITION BY b + 1 ORDER BY 1), v AS (ORDER BY a ROWS UNBOUNDED PRECEDING)

SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a + 1) FROM t

SELECT string_agg(a, ',' ORDER BY b, 1), array_agg(DISTINCT a ORDER BY a), json_agg(x) FILTER (WHERE x > 5 AND y = 'z') FROM t

SELECT EXISTS (SELECT 1 FROM t WHERE a = 5), NOT EXISTS (SELECT 'x'), (SELECT 5), a = (SELECT 'x'), a IN (SELECT b FROM u WHERE c = 5), a > ALL (SELECT 5), a = ANY (VALUES (1), (2)), a IN (VALUES (1), (2)) FROM t

SELECT (a, b) IN (SELECT 1, 'x'), (a, b) OVERLAPS ('2020-01-01', '2020-02-01'), (a, interval '1 day') OVERLAPS (b, c) FROM t

SELECT 5 INTO x FROM t

SELECT 5 INTO TEMP x FROM t

SELECT 5 AS select, 6 AS from, 7 AS in, 8 AS limit, 9 AS values, 10 AS by, 11 AS regclass, 'x' AS regclass, 12 AS "order"

SELECT 'x' regclass, 5 regtype, 'a' region, 'b' first, 6 next

SELECT t.values, t.in, t.select, t.by, t.like, values, values - 5, by - 5, first - 5, first, next, zone - 5, to_ - 5, conflict - 5, partition, rollup - 5, merge - 5, insert FROM t

SELECT between, between - 5, time - 5, bit, interval, interval - 5, numeric - 5, extract, exists, row, "like" - 5 FROM t

SELECT like('a', 'b'), left('abc', 2), right('abc', -2), insert('x', 5), first('y'), "nextval"('s'), collation('x')

SELECT xmlelement(name a, xmlattributes('x' AS b), 'c'), xmlforest('x' AS a), xmlpi(name php, 'echo'), xmlroot('x', version '1.0', standalone yes), xmlparse(document '<a/>'), xmlserialize(content 'x' AS varchar(10)), xmlconcat('a', 'b'), xmlexists('//a' PASSING BY VALUE '<a/>'), '<a/>' IS DOCUMENT

SELECT * FROM xmltable('/r' PASSING '<r/>' COLUMNS a int PATH '@a', b varchar(10) PATH 'b' DEFAULT 'x' NOT NULL, c FOR ORDINALITY) AS x

SELECT * FROM xmltable(XMLNAMESPACES('http://x' AS x, DEFAULT 'y'), '/r' PASSING d COLUMNS a numeric(3,1) PATH 'p') x WHERE a = 5

SELECT * FROM json_table('{"a":1}', '$.a' AS p PASSING 5 AS x COLUMNS (id FOR ORDINALITY, a varchar(10) PATH '$.x' DEFAULT 'd' ON EMPTY ERROR ON ERROR, b int EXISTS PATH '$.b', NESTED PATH '$.c' AS q COLUMNS (d jsonb FORMAT JSON PATH '$'))) AS jt WHERE a = 'x'

SELECT json_value('{}', '$.a' RETURNING varchar(10) DEFAULT 'x' ON EMPTY), json_query(j, '$.a' PASSING 5 AS x RETURNING numeric(10,2) WITH WRAPPER KEEP QUOTES), json_exists(j, '$.a' ERROR ON ERROR), json_value(j, '$' RETURNING public.mytype(3)) FROM t

SELECT json_object('a' VALUE 5, 'b' : 6, c : 'd' NULL ON NULL RETURNING jsonb), json_array(1, 'x', NULL ABSENT ON NULL), json_arrayagg(a ORDER BY b RETURNING text), json_objectagg('k' : a), json('{}'), json_scalar(5), json_serialize('{}' RETURNING bytea), '{}' IS JSON OBJECT WITH UNIQUE KEYS FROM t

SELECT merge_action(), grouping(a), treat(a AS b) FROM t

DELETE FROM t WHERE CURRENT OF c

SELECT a FROM t WHERE x = 5 -- trailing comment

SELECT /* a /* nested */ comment */ 5 /**/ , 6 /*'*/ , 7 /*;*/ , 8 --'

SELECT 5--6

SELECT 5 - -6, 5- -6, 5 -/**/-6, 5 */**/ 6, 5*/*x*/-6, 5+-6, 5 + - + -6

SELECT a*-1, a/-1, a%-1, a<-1, a>-1, a=-1, a<=-1, a>=-1, a<>-1, a!=-1, a||-1, a->-1, a@-1 FROM t

SELECT a <- 1, a ?- 1, a |- 1, a ~- 1, a #- '{x}', a &-1, a ^-1, a !-1 FROM t

SELECT a+-+-+-+-5, a*+-5, a<+-+5

SELECT *, 5, t.*, -5 FROM t

SELECT t.* - 5, t.*, -5 FROM t

SELECT 1;

;

-- nothing

/* shardproxy: key=user:42 */ SELECT * FROM t

SELECT * FROM t /* shardproxy: node=pg-2 */ WHERE a = 5

SELECT ä, ö_1, a$b, _x, "Ü" FROM größe WHERE straße = 'ß'

SeLeCt A, "B" FrOm T wHeRe C iN (1, 2)

-- # inserts

INSERT INTO t VALUES (1, 'x')

INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y'), (3, 'z')

INSERT INTO t (a, b) VALUES (1, 'x'), (2, NULL), (3, NULL), (4, 'y')

insert into "s"."t" ("a","b") values(1,'x') , ( 2 , 'y' ),(3,'z') returning id, a + 1, 'x'

INSERT INTO t AS u (a) VALUES (5) RETURNING u.*

INSERT INTO t DEFAULT VALUES

INSERT INTO t DEFAULT VALUES RETURNING id

INSERT INTO t (a, b) VALUES (DEFAULT, 5), (DEFAULT, 6)

INSERT INTO t (a) OVERRIDING SYSTEM VALUE VALUES (5)

INSERT INTO t (a) OVERRIDING USER VALUE SELECT 5

INSERT INTO t OVERRIDING SYSTEM VALUE VALUES (5)

INSERT INTO t SELECT 1, 'x' FROM u WHERE a = 5

INSERT INTO t (a) SELECT a FROM u ORDER BY 1 LIMIT 5 ON CONFLICT DO NOTHING RETURNING 1, 2

INSERT INTO t (SELECT 1)

INSERT INTO t ((SELECT 1) UNION SELECT 2)

INSERT INTO t (VALUES (1), (2))

INSERT INTO t (values, a) VALUES (1, 2)

INSERT INTO t (a) (VALUES (1), (2))

INSERT INTO t TABLE u

INSERT INTO t WITH x AS (SELECT 5) SELECT * FROM x

INSERT INTO t (a[1], b.c, d[1:2]) VALUES (1, 2, '{3}')

INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING

INSERT INTO t (a, b) VALUES (1, 'x') ON CONFLICT (a) DO UPDATE SET b = EXCLUDED.b, c = t.c + 5

INSERT INTO t (a, b) VALUES (1, 'x') ON CONFLICT (a, lower(b), (coalesce(c, 0))) WHERE d = 5 DO UPDATE SET b = 'y' WHERE t.c > 6 RETURNING 7

INSERT INTO t (a, b) VALUES (1, 'x') ON CONFLICT (a COLLATE "C" text_ops) WHERE b IN (1, 2) DO UPDATE SET (a, b) = (3, 4), c = DEFAULT

INSERT INTO t (a, b) VALUES (1, 'x') ON CONFLICT ON CONSTRAINT t_pkey DO UPDATE SET b = 'y'

INSERT INTO t (a, b) VALUES ('{"k": "v"}', '[1,2,3]'), ('{}'::jsonb, '[4]'::vector)

INSERT INTO t (a, b) VALUES (now(), 'x'), (now(), 'y')

INSERT INTO t (a, b) VALUES (nextval('s'), 'x'), (nextval('s'), 'y')

INSERT INTO t (a) VALUES ((SELECT max(a) + 1 FROM t WHERE b = 5))

INSERT INTO t (a) VALUES (-1), (- 2), (+3), (4)

INSERT INTO t (a) VALUES ($1), ($2), ($3)

INSERT INTO t (a, b) VALUES ($1, 5), ($1, 6)

INSERT INTO t (a, b) VALUES (ARRAY[1, 2], '{3,4}'), (ARRAY[5, 6], '{7}'), (ARRAY[8], '{9}')

INSERT INTO t (a, b) VALUES (5::numeric(10,2), date '2020-01-01'), (6::numeric(10,2), date '2020-01-01'), (7::numeric(10,3), date '2020-01-01')

INSERT INTO t (a, b) VALUES (E'a\nb', $$c$$), ('d', E'e'), (U&'f', 'g')

INSERT INTO t (a, b) VALUES (true, 'x'), (false, 'y'), (true, 'z')

INSERT INTO t VALUES (1, (2 IN (3, 4))), (5, (6 IN (7, 8, 9)))

INSERT INTO t VALUES (ROW(1, 'x'), (1, 2)), (ROW(2, 'y'), (3, 4))

INSERT INTO t (a) VALUES (CASE WHEN 1 = 1 THEN 2 ELSE 3 END), (CASE WHEN 4 = 4 THEN 5 ELSE 6 END)

WITH x AS (SELECT 5 AS a) INSERT INTO t SELECT a, 'y' FROM x

WITH x (a, b) AS (VALUES (1, 2), (3, 4)), y AS (INSERT INTO u SELECT * FROM x RETURNING 5) INSERT INTO t (a) VALUES (6), (7)

INSERT INTO "appwrite"."_console__metadata_perms" (_type, _permission, _document , _tenant) VALUES ('read', 'any', 'x' , 1), ('read', 'any', 'y' , 1)

-- # updates, deletes, merges

UPDATE t SET a = 5 WHERE b = 'x'

UPDATE t SET a = a + 5, b = 'x', c = NULL, d = DEFAULT, e = -5, f[1] = 5, g.h = 'y' WHERE id IN (1, 2, 3) RETURNING *

UPDATE ONLY t AS u SET a = 5 FROM v WHERE u.id = v.id AND v.x = 'y'

UPDATE t SET (a, b) = (1, 'x'), (c, d) = ROW(2, 'y'), (e, f) = (SELECT 5, 'z') WHERE a = 5

UPDATE t SET a = (SELECT max(b) FROM u WHERE c = 5) WHERE CURRENT OF cur

UPDATE "appwrite"."_t" SET "title"='x',"year"=5,"tags" = COALESCE("tags", '[]'::jsonb) || '["y"]'::jsonb,"_uid"='z' WHERE _id='1' AND (_tenant IN ('1') OR _tenant IS NULL)

UPDATE t SET data = jsonb_set(data, '{a,b}', '5'), e = '[1,2]', d = d || interval '1 day' WHERE data->>'k' = 'v' AND data @> '{"a":1}'

UPDATE t SET a = CASE WHEN COALESCE("year", 0) + CAST(1 AS NUMERIC) > CAST(5 AS NUMERIC) THEN 5 ELSE 6 END

UPDATE t SET search_path = 5, conflict = 6, do_ = 7

DELETE FROM t WHERE a = 5

DELETE FROM t

DELETE FROM ONLY t u USING v, f(5) w WHERE u.a = v.a AND v.b = 'x' RETURNING u.a, 5

DELETE FROM t WHERE ctid = ANY (ARRAY(SELECT ctid FROM t WHERE a < 5 LIMIT 100))

DELETE FROM t WHERE ( _document = 'x' AND _tenant = 5 AND _type = 'read' AND _permission IN ('a') )

WITH d AS (DELETE FROM t WHERE a = 5 RETURNING *) SELECT * FROM d WHERE b = 'x'

WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 100) SELECT * FROM r

WITH RECURSIVE r AS (SELECT 1 AS n) SEARCH DEPTH FIRST BY n SET o CYCLE n SET c TO 'Y' DEFAULT 'N' USING p SELECT * FROM r WHERE n = 5

WITH x AS MATERIALIZED (SELECT 5), y AS NOT MATERIALIZED (SELECT 6) UPDATE t SET a = 7 FROM x, y

WITH x AS (UPDATE t SET a = 5 WHERE b = 'x' RETURNING a) DELETE FROM u USING x WHERE u.a = x.a AND u.b = 6

MERGE INTO t USING u ON t.id = u.id AND u.x = 5 WHEN MATCHED AND t.a > 5 THEN UPDATE SET a = 6, b = 'x' WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (a, b) VALUES (7, 'y')

MERGE INTO t AS x USING (VALUES (1, 'a'), (2, 'b')) AS v(id, b) ON x.id = v.id WHEN NOT MATCHED AND v.b = 'c' THEN DO NOTHING WHEN NOT MATCHED THEN INSERT VALUES (v.id, 5) WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING merge_action(), 5

MERGE INTO t USING (SELECT * FROM u WHERE a = 5) s ON s.id = t.id WHEN NOT MATCHED THEN INSERT (a) OVERRIDING SYSTEM VALUE VALUES (DEFAULT) WHEN MATCHED THEN UPDATE SET (a, b) = (1, 2)

-- # explain

EXPLAIN SELECT * FROM t WHERE a = 5

EXPLAIN ANALYZE SELECT 5

EXPLAIN VERBOSE SELECT 5

EXPLAIN ANALYZE VERBOSE UPDATE t SET a = 5

explain (analyze, verbose off, costs 'on', buffers 1, timing true, format 'json') INSERT INTO t VALUES (5)

EXPLAIN (FORMAT YAML) (SELECT 5)

EXPLAIN (SELECT 5)

EXPLAIN ((SELECT 5) UNION SELECT 6)

EXPLAIN (VALUES (5))

EXPLAIN (GENERIC_PLAN) WITH x AS (SELECT 5) SELECT * FROM x

EXPLAIN (analyze) DELETE FROM t WHERE a = 5

EXPLAIN MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN UPDATE SET b = 5

EXPLAIN CREATE TABLE x AS SELECT 5 /* kept */

EXPLAIN DECLARE c CURSOR FOR SELECT 5 /* kept */

EXPLAIN EXECUTE p (5, 'x') /* kept */

EXPLAIN (ANALYZE) EXECUTE p (5, 'x') /* kept */

-- # statements that are left as they are

BEGIN

BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY

START TRANSACTION READ WRITE

COMMIT

COMMIT AND CHAIN

ROLLBACK TO SAVEPOINT a

SAVEPOINT a

SET search_path = 'a', "b", c

SET LOCAL statement_timeout = '5s'

SET shardproxy.key = 'user:42'

SET TIME ZONE INTERVAL '+00:00' HOUR TO MINUTE

RESET ALL

SHOW search_path

DISCARD ALL

PREPARE p (int) AS SELECT $1 + 5

EXECUTE p (5, 'x')

DEALLOCATE p

DECLARE c CURSOR WITH HOLD FOR SELECT * FROM t WHERE a = 5

FETCH 5 FROM c

MOVE FORWARD 5 IN c

CLOSE c

COPY t (a, b) FROM STDIN WITH (FORMAT csv, NULL 'x')

COPY (SELECT 5) TO STDOUT

CREATE TABLE t (a int DEFAULT 5, b varchar(10) CHECK (b <> 'x;y'), c numeric(10,2), PRIMARY KEY (a))

CREATE TABLE t AS SELECT 5

CREATE TABLE t PARTITION OF u FOR VALUES FROM (1) TO (5)

CREATE INDEX i ON t USING hnsw (e vector_l2_ops) WITH (m = 16) WHERE a = 5

CREATE VIEW v AS SELECT 5

CREATE FUNCTION f(a int DEFAULT 5) RETURNS int LANGUAGE sql AS $$ SELECT 5; $$

CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 5; SELECT CASE WHEN true THEN 1 END; END

CREATE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); END

CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO u VALUES (1); INSERT INTO v VALUES (2))

CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.a > 5) EXECUTE FUNCTION f('x')

CREATE EXTENSION IF NOT EXISTS vector

CREATE COLLATION IF NOT EXISTS utf8_ci_ai ( provider = icu, locale = 'und-u-ks-level1', deterministic = false )

ALTER TABLE t ADD COLUMN d int DEFAULT 5

ALTER ROLE r SET a = '5'

DROP TABLE t

TRUNCATE t

LOCK TABLE t IN ACCESS EXCLUSIVE MODE

GRANT SELECT ON t TO r

CALL p(5, 'x')

DO $$ BEGIN PERFORM 5; END $$

LISTEN c

NOTIFY c, 'payload'

VACUUM (ANALYZE, VERBOSE) t

ANALYZE t

REINDEX TABLE t

REFRESH MATERIALIZED VIEW v

CHECKPOINT

COMMENT ON TABLE t IS 'x'

-- # not SQL, or cut off

SELECT 'abc /* refused */ /* kept */

SELECT "abc /* refused */ /* kept */

SELECT $$abc /* refused */ /* kept */

SELECT E'abc\' /* refused */ /* kept */

SELECT (1 /* refused */ /* kept */

SELECT 1) /* refused */ /* kept */

SELECT a[1 /* refused */ /* kept */

SELECT (1] /* refused */ /* kept */

SELECT { /* refused */ /* kept */

SELECT \ /* refused */ /* kept */

SELECT $ /* refused */ /* kept */

SELECT $x /* refused */ /* kept */

SELECT 5 /* refused */ /* kept */ /* cut off

SELECT FROM WHERE 5 LIMIT /* refused */

SELECT 1, /* refused */

SELECT -/* refused */

SELECT 5 5 /* refused */

foo bar /* refused */

-- # several lines

SELECT 'a'
'b', 'c'   
	
 'd', E'e\n'
'\'f', 'g'

SELECT B'1'
'0', X'A'
'B', N'a'
'b', U&'a'
'b'

SELECT 'a' /* no continuation
*/ , 'b'

SELECT 'it''s'
'''quoted''' , ''
'' FROM t WHERE a = 'x'
'y'

SELECT date '2020-'
'01-01', 't'
'u'::regclass

SELECT a, -- the first
       b  -- the second
FROM   t
WHERE  a = 5 -- five
  AND  b = 'x';

SELECT 5 -- one
- -- two
6

INSERT INTO t (a, b)
VALUES
  (1, 'x'),
  (2, 'y'),  -- the second row
  (3, 'z')
ON CONFLICT (a)
DO UPDATE SET b = EXCLUDED.b;

SELECT $body$
  multi
  line $$ text
$body$, 5

WITH a AS (
  SELECT id FROM t WHERE x = 5
), b AS (
  UPDATE u SET y = 6 FROM a WHERE u.id = a.id RETURNING u.id
)
SELECT count(*) FROM a, b WHERE a.id IN (1, 2)

select
	distinct	t.a	,	t.b
from	t
where	t.c	=	'x'
and	t.d	in	(
	1
,	2
)
