SELECT 1, -1, - 1, +1, 1.5, -1.5, 1e10, 99999999999999999999, 0x1F, 0o17, 0b11, 1_000

SELECT 'a', 'it''s', E'a\n', U&'d\0061t', B'0101', X'1F', N'n', $$dollar$$, $q$it's$q$, 'a'
'b'

SELECT NULL, TRUE, FALSE, true AND NOT false

SELECT $1, $2, $1048576, $1048577, $2097152, $2097155

SELECT $0

SELECT $4296015873

SELECT $0000001

SELECT a = b, a <> b, a != b, a < b, a > b, a <= b, a >= b

SELECT a + b - c * d / e % f ^ g, - a, + a, @ a, |/ a, a || b, a -> 'x' ->> 'y' #> 'z'

SELECT a OPERATOR(pg_catalog.=) 1, a OPERATOR(my.=) 1, a OPERATOR(=) 1, OPERATOR(my.-) a, a OPERATOR(a.b.+) c

SELECT a AND b AND c, a OR b OR c, a AND (b OR c) AND NOT d, NOT (a = b)

SELECT (a, b) = (1, 2), ROW(a, b) < ROW(1, 2), (a, b) <> (SELECT 1, 2), ROW(), ROW(a), (a, b) IS NULL

SELECT a IN (1, 2, 3), a NOT IN (1, $1), (a, b) IN ((1, 2), (3, 4)), a IN ($2097152), a IN (b + 1)

SELECT a = ANY (ARRAY[1, 2]), a = ANY ($1), a = SOME ($1::int[]), a <> ALL (b), a < ANY (c), a LIKE ANY (d), a NOT ILIKE ALL (e)

SELECT a OPERATOR(my.=) ANY (b), a OPERATOR(pg_catalog.=) ALL (c)

SELECT a BETWEEN 1 AND 2, a NOT BETWEEN $1 AND $2, a BETWEEN SYMMETRIC 2 AND 1, a NOT BETWEEN SYMMETRIC b AND c

SELECT a LIKE 'x%', a NOT LIKE 'x', a ILIKE b, a NOT ILIKE b, a LIKE 'x!%' ESCAPE '!', a ~~ b, a !~ b

SELECT a SIMILAR TO 'x', a NOT SIMILAR TO 'x' ESCAPE f('!')

SELECT a IS NULL, a IS NOT NULL, a ISNULL, a NOTNULL

SELECT a IS TRUE, a IS NOT TRUE, a IS FALSE, a IS NOT FALSE, a IS UNKNOWN, a IS NOT UNKNOWN

SELECT a IS DISTINCT FROM b, a IS NOT DISTINCT FROM $1

SELECT NULLIF(a, 0), COALESCE(a, b, 1), GREATEST(a, 1), LEAST(a, f(b))

SELECT CASE WHEN a = 1 THEN 'x' WHEN b THEN f(c) ELSE d END, CASE a WHEN 1 THEN 2 END

SELECT CASE (SELECT 1) WHEN k THEN 1 ELSE (SELECT 2 FROM t) END

SELECT a COLLATE "C", a COLLATE my.coll < b

SELECT a AT TIME ZONE 'UTC', a AT LOCAL, a AT TIME ZONE b AT TIME ZONE c

SELECT 1::int8, 1::bigint, '1'::text, a::varchar(3), a::numeric(10, 2), a::int[], a::text[][], a::int[3], a::my.type, a::"My Type"

SELECT CAST(a AS int4), CAST($1 AS uuid), int '1', bool 't', date '2020-01-01', timestamp with time zone '2020-01-01', point '(1,2)'

SELECT interval '1 day', interval '1' year, interval '2' day to second(3), interval(3) '1s', f(1) 'x', my.type 'y'

SELECT a::char, a::char(3), a::bit, a::bit varying(3), a::float(4), a::double precision, a::time(3) with time zone, a::character varying, a::dec(3), a::pg_catalog.int4

SELECT a::geometry(Point, 4326), 'x'::regclass, a::t%ROWTYPE

SELECT a::numeric(f(1)), 1

SELECT a::numeric($1)

SELECT a::my.type(x.y)

SELECT ARRAY[1, 2], ARRAY[[1, 2], [a, f(b)]], ARRAY[]::int[], a[1], a[1:2], a[:b], a[c:], a[1][2], $1[3], (f(x))[1].b, (a).b[f(2)]

SELECT f(), f(1), s.f(a, b), db.s.f(1), f(DISTINCT a), f(a, VARIADIC b), f(a => 1, b := $1), f(ALL a), "F"(1), pg_catalog.lower('X')

SELECT count(*), s.count(*), f(a ORDER BY b USING <, c), f(VARIADIC ARRAY[1])

SELECT current_date, current_time, current_time(3), current_timestamp, current_timestamp(3), localtime, localtime(1), localtimestamp, localtimestamp(2)

SELECT current_role, current_user, user, session_user, current_catalog, current_schema, system_user, current_schema()

SELECT EXTRACT(year FROM a), EXTRACT('epoch' FROM f(a)), POSITION(a IN b), SUBSTRING(a FROM 1 FOR 2), SUBSTRING(a, 1), SUBSTRING(a SIMILAR b ESCAPE c)

SELECT OVERLAY(a PLACING b FROM 1 FOR 2), TRIM(a), TRIM(LEADING 'x' FROM a), TRIM(BOTH FROM a), NORMALIZE(a), NORMALIZE(a, NFKC), a IS NFC NORMALIZED, a IS NOT NORMALIZED

SELECT (a, b) OVERLAPS (c, d), COLLATION FOR (a), TREAT(a AS int)

SELECT a -> $1, a ? 'k', a @> '{}', a <-> b, a && ARRAY[1]

SELECT "select", "a""b", é, "É" FROM "My Schema"."Täble"

SELECT a.b.c.d.e.*, a.b.c.d FROM a.b.c

SELECT ((((1)))), (((a)))

SELECT f(g(h(i(j(1 + k)))))

SELECT a IS NOT NULL IS NOT TRUE = b IS NULL

SELECT setval('s', 1), nextval('s'::regclass), pg_advisory_lock(1), lastval()
