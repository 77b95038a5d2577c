-- Stands in for order_changes.sql when the events cannot be read: nothing is known of changes, and the columns stay.
-- View out: order_changes.
CREATE OR REPLACE TEMP VIEW order_changes AS
SELECT order_id, CAST(0 AS bigint) AS changes, CAST(NULL AS string) AS latest_event, CAST(NULL AS timestamp) AS latest_event_at
FROM orders
WHERE 1 = 0;
