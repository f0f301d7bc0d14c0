-- What one webhook of ours executes, in its order and its one transaction.
-- Each client has :share payments, from :first + :client_id * :share on.
\set number :first + :client_id * :share + :done
\set done :done + 1

BEGIN;
SELECT set_config('autonomy.organisation', 'bench', true);
SET LOCAL statement_timeout = '10s';
INSERT INTO stripe_payments_events
    (organisation_id, environment, event_id, type, payload, status, attempts, received_at)
    VALUES ('bench', 'test', 'evt_bench' || lpad((:number)::text, 12, '0'), 'checkout.session.completed',
            (:payload)::jsonb, 'received', 0, now())
    ON CONFLICT DO NOTHING RETURNING *;
SAVEPOINT handling;
SELECT * FROM stripe_payments_payments s
    JOIN payments p ON p.organisation_id = s.organisation_id AND p.id = s.payment_id
    JOIN products ON products.organisation_id = p.organisation_id AND products.id = p.product_id
    WHERE s.organisation_id = 'bench' AND s.environment = 'test'
      AND s.session_id = 'cs_test_bench' || lpad((:number)::text, 12, '0') LIMIT 1 FOR UPDATE OF s, p;
UPDATE payments SET status = 'completed', settled_by = 'webhook', updated_at = now(), completed_at = now()
    WHERE organisation_id = 'bench' AND id = lpad((:number)::text, 32, '0')::uuid;
INSERT INTO payment_journal (organisation_id, id, payment_id, at, kind, detail)
    VALUES ('bench', lpad((:number)::text, 32, '0')::uuid, lpad((:number)::text, 32, '0')::uuid, now(), 'settled',
            '{"before": "pending", "after": "completed", "source": "webhook"}');
SAVEPOINT hook;
INSERT INTO grants
    (organisation_id, id, customer_id, product_id, payment_id, environment, plugin, granted_at)
    VALUES ('bench', lpad((:number)::text, 32, '0')::uuid, lpad((:number)::text, 32, '0')::uuid,
            lpad((:number % 20)::text, 32, '0')::uuid, lpad((:number)::text, 32, '0')::uuid, 'test', 'media_mp3',
            now())
    ON CONFLICT (organisation_id, payment_id, product_id) DO NOTHING RETURNING *;
RELEASE SAVEPOINT hook;
INSERT INTO payment_hook_runs
    (organisation_id, payment_id, plugin, outcome, last_error, updated_at, attempts)
    VALUES ('bench', lpad((:number)::text, 32, '0')::uuid, 'media_mp3', 'succeeded', NULL, now(), 1)
    ON CONFLICT (organisation_id, payment_id, plugin) DO UPDATE
    SET outcome = excluded.outcome, last_error = excluded.last_error, updated_at = excluded.updated_at,
        attempts = payment_hook_runs.attempts + 1;
UPDATE stripe_payments_payments SET payment_intent_id = 'pi_bench' || lpad((:number)::text, 12, '0')
    WHERE organisation_id = 'bench' AND payment_id = lpad((:number)::text, 32, '0')::uuid;
RELEASE SAVEPOINT handling;
UPDATE stripe_payments_events
    SET status = 'processed', attempts = 1, matched_by = 'session_id',
        payment_id = lpad((:number)::text, 32, '0')::uuid, processed_at = now()
    WHERE organisation_id = 'bench' AND environment = 'test'
      AND event_id = 'evt_bench' || lpad((:number)::text, 12, '0');
COMMIT;
