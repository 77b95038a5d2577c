-- What an engineer needs to repair the data: every row put aside, with its source and reason.
-- Views in: NAME_quarantined of each source. View out: rows_to_repair.
CREATE OR REPLACE TEMP VIEW rows_to_repair AS
SELECT 'deliveries' AS source, reason, row FROM deliveries_quarantined
UNION ALL
SELECT 'order_events', reason, row FROM order_events_quarantined
UNION ALL
SELECT 'orders', reason, row FROM orders_quarantined
UNION ALL
SELECT 'payments', reason, row FROM payments_quarantined
UNION ALL
SELECT 'users', reason, row FROM users_quarantined;
