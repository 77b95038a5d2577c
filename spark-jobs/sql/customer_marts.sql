-- The marts of customer-report. Written in the SQL that Spark and DuckDB share, so that a test can compute both and compare.
-- Views in: users, orders, payments, deliveries, and order_changes of one of its two files. Views out: order_mart, customer_mart, marketing_summary.

-- Reference rates to roubles; reports compare amounts of different currencies by them.
CREATE OR REPLACE TEMP VIEW rates AS
SELECT * FROM (VALUES ('RUB', 1.00), ('USD', 90.00), ('EUR', 98.00), ('KZT', 0.19)) AS r (currency, to_rub);

-- One row an order that has any payment; amounts in roubles, rounded payment by payment.
CREATE OR REPLACE TEMP VIEW payment_totals AS
SELECT
  p.order_id,
  count(*) AS payments,
  sum(CASE WHEN p.status = 'paid' THEN CAST(round(p.amount * r.to_rub, 2) AS decimal(18, 2)) ELSE 0 END) AS paid_rub,
  sum(CASE WHEN p.status = 'refunded' THEN CAST(round(p.amount * r.to_rub, 2) AS decimal(18, 2)) ELSE 0 END) AS refunded_rub
FROM payments p
JOIN rates r ON r.currency = p.currency
GROUP BY p.order_id;

CREATE OR REPLACE TEMP VIEW latest_deliveries AS
SELECT order_id, status, carrier, updated_at
FROM (
  SELECT d.*, row_number() OVER (PARTITION BY order_id ORDER BY updated_at DESC, delivery_id DESC) AS place
  FROM deliveries d
) ranked
WHERE place = 1;

-- One row an order.
CREATE OR REPLACE TEMP VIEW order_mart AS
SELECT
  o.order_id,
  o.user_id,
  u.name AS customer,
  u.city,
  o.status AS order_status,
  o.created_at,
  o.amount,
  o.currency,
  CAST(round(o.amount * r.to_rub, 2) AS decimal(18, 2)) AS amount_rub,
  CAST(coalesce(p.paid_rub, 0) AS decimal(18, 2)) AS paid_rub,
  CAST(coalesce(p.refunded_rub, 0) AS decimal(18, 2)) AS refunded_rub,
  CASE
    WHEN p.order_id IS NULL THEN 'unpaid'
    WHEN p.refunded_rub > 0 AND p.paid_rub > 0 THEN 'partly refunded'
    WHEN p.refunded_rub > 0 THEN 'refunded'
    WHEN p.paid_rub >= CAST(round(o.amount * r.to_rub, 2) AS decimal(18, 2)) THEN 'paid'
    WHEN p.paid_rub > 0 THEN 'partly paid'
    ELSE 'unpaid'
  END AS payment_state,
  d.status AS delivery_status,
  d.carrier,
  c.latest_event,
  c.latest_event_at,
  coalesce(c.changes, 0) AS changes,
  CASE
    WHEN d.status = 'delivered'
    -- Hundredths of an hour, cut off: 36 seconds each.
    THEN CAST(CAST(floor((unix_seconds(d.updated_at) - unix_seconds(o.created_at)) / 36.0) AS bigint) * 0.01 AS decimal(12, 2))
  END AS hours_to_delivery
FROM orders o
JOIN rates r ON r.currency = o.currency
LEFT JOIN users u ON u.user_id = o.user_id
LEFT JOIN payment_totals p ON p.order_id = o.order_id
LEFT JOIN latest_deliveries d ON d.order_id = o.order_id
LEFT JOIN order_changes c ON c.order_id = o.order_id;

-- One row a customer, also one who has never ordered.
CREATE OR REPLACE TEMP VIEW customer_mart AS
SELECT
  u.user_id,
  u.name AS customer,
  u.email,
  u.city,
  u.registered_at,
  count(m.order_id) AS orders,
  CAST(coalesce(sum(m.paid_rub), 0) AS decimal(18, 2)) AS revenue_rub,
  CAST(coalesce(sum(m.refunded_rub), 0) AS decimal(18, 2)) AS refunds_rub,
  coalesce(sum(CASE WHEN m.order_status = 'cancelled' OR m.latest_event = 'cancelled' THEN 1 ELSE 0 END), 0) AS cancellations,
  max(m.created_at) AS last_order_at,
  CASE
    WHEN count(m.order_id) = 0 THEN 'never ordered'
    WHEN coalesce(sum(m.paid_rub), 0) >= 150000 AND count(m.order_id) >= 5 THEN 'top'
    WHEN count(m.order_id) >= 3 THEN 'regular'
    ELSE 'occasional'
  END AS segment
FROM users u
LEFT JOIN order_mart m ON m.user_id = u.user_id
GROUP BY u.user_id, u.name, u.email, u.city, u.registered_at;

-- One row a city, segment and month of order.
CREATE OR REPLACE TEMP VIEW marketing_summary AS
SELECT
  m.city,
  c.segment,
  CAST(date_trunc('month', m.created_at) AS date) AS month,
  count(*) AS orders,
  count(DISTINCT m.user_id) AS customers,
  CAST(sum(m.paid_rub) AS decimal(18, 2)) AS revenue_rub,
  CAST(sum(m.refunded_rub) AS decimal(18, 2)) AS refunds_rub,
  sum(CASE WHEN m.payment_state = 'unpaid' THEN 1 ELSE 0 END) AS unpaid_orders,
  sum(CASE WHEN m.delivery_status = 'delivered' THEN 1 ELSE 0 END) AS delivered_orders,
  CAST(coalesce(sum(m.hours_to_delivery), 0) AS decimal(18, 2)) AS hours_to_delivery
FROM order_mart m
JOIN customer_mart c ON c.user_id = m.user_id
GROUP BY m.city, c.segment, CAST(date_trunc('month', m.created_at) AS date);
