UPDATE t SET a = 1

UPDATE ONLY s.t AS x SET a = a + 1, b = DEFAULT WHERE k = $1 RETURNING x.a, f(x.b)

UPDATE t SET a = u.a FROM u JOIN v ON u.k = v.k WHERE t.k = u.k AND u.k = 1

UPDATE t SET (a, b) = (1, f(2)), c = 3 WHERE k = 1

UPDATE t SET (a, b) = ROW(x, DEFAULT) WHERE k = 1

UPDATE t SET (a, b) = (SELECT c, d FROM u WHERE u.k = t.k), (e, f, g) = (SELECT 1, h(2), 3) WHERE k = 1

UPDATE t SET (a) = (SELECT 1)

UPDATE t SET (a) = ROW(1)

UPDATE t SET (a, b) = ROW(1, 2, f(3))

UPDATE t SET (a, b) = f(c)

UPDATE t SET a[1] = 2, b[f(1):g(2)] = ARRAY[1], c.d = 3, (e[1], f.g) = (4, 5)

UPDATE t SET a = (SELECT max(b) FROM u) WHERE k IN (SELECT k FROM v)

WITH x AS (SELECT 1 AS a) UPDATE t SET a = x.a FROM x WHERE k = 1

UPDATE t SET a = 1 WHERE CURRENT OF c

UPDATE t SET a = CASE WHEN b THEN 1 ELSE 2 END WHERE k = $1048576

UPDATE t SET k = 2 WHERE k = 1

DELETE FROM t

DELETE FROM ONLY s.t AS x WHERE k = 1 RETURNING *

DELETE FROM t USING u, v JOIN w ON v.x = w.x WHERE t.k = u.k AND u.k = 1

DELETE FROM t WHERE CURRENT OF "C"

WITH x AS (DELETE FROM u WHERE k = 1 RETURNING a) DELETE FROM t USING x WHERE t.a = x.a

DELETE FROM t WHERE k = 1 AND ctid = ANY (ARRAY(SELECT ctid FROM t WHERE k = 1 LIMIT 10 FOR UPDATE))
