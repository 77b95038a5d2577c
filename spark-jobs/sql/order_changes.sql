-- What the events say of each order. View in: order_events. View out: order_changes.

-- Events come twice and out of order: one row an event id, then folded by their number within the order.
CREATE OR REPLACE TEMP VIEW events_once AS
SELECT event_id, order_id, seq, type, occurred_at
FROM (
  SELECT e.*, row_number() OVER (PARTITION BY event_id ORDER BY seq DESC, occurred_at DESC, type) AS place
  FROM order_events e
) ranked
WHERE place = 1;

CREATE OR REPLACE TEMP VIEW order_changes AS
SELECT
  order_id,
  count(*) AS changes,
  max(CASE WHEN place = 1 THEN type END) AS latest_event,
  max(occurred_at) AS latest_event_at
FROM (
  SELECT e.*, row_number() OVER (PARTITION BY order_id ORDER BY seq DESC, event_id DESC) AS place
  FROM events_once e
) ranked
GROUP BY order_id;
