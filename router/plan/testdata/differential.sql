CREATE TABLE users (id int PRIMARY KEY, name text, score int);
CREATE TABLE orders (id int, user_id int NOT NULL, product_id int, amount int, total numeric, PRIMARY KEY (user_id, id));
CREATE TABLE items (id int, user_id int NOT NULL, order_id int, quantity int, PRIMARY KEY (user_id, id));
CREATE TABLE docs (id int, tenant int, size int);
CREATE TABLE perms (id int, tenant int, doc int);
CREATE TABLE products (id int PRIMARY KEY, price int);
CREATE TABLE settings (id int PRIMARY KEY, value int);
CREATE VIEW big_orders AS SELECT user_id, id, amount FROM orders WHERE amount > 1;
CREATE VIEW user_orders AS SELECT u.id, u.score, o.amount FROM users u LEFT JOIN orders o ON o.user_id = u.id;
