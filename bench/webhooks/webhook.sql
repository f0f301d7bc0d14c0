-- What one webhook of ours executes, in its order and its two transactions: the event is stored, then handled.
-- Each client has :share payments, from :first + :client_id * :share on.
\set number :first + :client_id * :share + :done
\set done :done + 1

BEGIN;
SELECT set_config('autonomy.organisation', 'bench', true);
INSERT INTO stripe_payments_events
    (organisation_id, environment, event_id, type, payload, status, attempts, received_at)
    VALUES ('bench', 'test', 'evt_bench' || lpad((:number)::text, 12, '0'), 'checkout.session.completed',
            (:payload)::jsonb, 'received', 0, now())
    ON CONFLICT DO NOTHING RETURNING status;
SELECT unnest(procrastinate_defer_jobs_v1(ARRAY[ROW(
    'default', 'stripe_payments.handle_event', 0, NULL, NULL,
    jsonb_build_object('organisation_id', 'bench', 'environment', 'test',
                       'event_id', 'evt_bench' || lpad((:number)::text, 12, '0')),
    now() + interval '1 minute')::procrastinate_job_to_defer_v1])) AS id;
COMMIT;

BEGIN;
SELECT set_config('autonomy.organisation', 'bench', true);
SELECT * FROM stripe_payments_events
    WHERE organisation_id = 'bench' AND environment = 'test'
      AND event_id = 'evt_bench' || lpad((:number)::text, 12, '0') FOR UPDATE;
UPDATE stripe_payments_events SET attempts = 1
    WHERE organisation_id = 'bench' AND environment = 'test'
      AND event_id = 'evt_bench' || lpad((:number)::text, 12, '0');
SAVEPOINT handling;
SELECT * FROM stripe_payments_payments
    WHERE organisation_id = 'bench' AND session_id = 'cs_test_bench' || lpad((:number)::text, 12, '0')
      AND environment = 'test' LIMIT 1 FOR UPDATE;
SELECT * FROM payments WHERE organisation_id = 'bench' AND id = lpad((:number)::text, 32, '0')::uuid;
SELECT * FROM payments WHERE organisation_id = 'bench' AND id = lpad((:number)::text, 32, '0')::uuid FOR UPDATE;
UPDATE payments SET status = 'completed', settled_by = 'webhook', updated_at = now(), completed_at = now()
    WHERE organisation_id = 'bench' AND id = lpad((:number)::text, 32, '0')::uuid;
SELECT * FROM products
    WHERE organisation_id = 'bench' AND id = lpad((:number % 20)::text, 32, '0')::uuid;
SAVEPOINT hook;
SELECT * FROM products
    WHERE organisation_id = 'bench' AND id = lpad((:number % 20)::text, 32, '0')::uuid;
INSERT INTO grants
    (organisation_id, id, customer_id, product_id, payment_id, environment, plugin, granted_at)
    VALUES ('bench', lpad((:number)::text, 32, '0')::uuid, lpad((:number)::text, 32, '0')::uuid,
            lpad((:number % 20)::text, 32, '0')::uuid, lpad((:number)::text, 32, '0')::uuid, 'test', 'media_mp3',
            now())
    ON CONFLICT (organisation_id, payment_id, product_id) DO NOTHING;
SELECT * FROM grants
    WHERE organisation_id = 'bench' AND payment_id = lpad((:number)::text, 32, '0')::uuid
      AND product_id = lpad((:number % 20)::text, 32, '0')::uuid;
RELEASE SAVEPOINT hook;
INSERT INTO payment_hook_runs
    (organisation_id, payment_id, plugin, outcome, last_error, updated_at, attempts)
    VALUES ('bench', lpad((:number)::text, 32, '0')::uuid, 'media_mp3', 'succeeded', NULL, now(), 1)
    ON CONFLICT (organisation_id, payment_id, plugin) DO UPDATE
    SET outcome = 'succeeded', last_error = NULL, updated_at = now(), attempts = payment_hook_runs.attempts + 1;
UPDATE stripe_payments_payments SET payment_intent_id = 'pi_bench' || lpad((:number)::text, 12, '0')
    WHERE organisation_id = 'bench' AND payment_id = lpad((:number)::text, 32, '0')::uuid;
RELEASE SAVEPOINT handling;
UPDATE stripe_payments_events
    SET status = 'processed', matched_by = 'session_id', payment_id = lpad((:number)::text, 32, '0')::uuid,
        processed_at = now()
    WHERE organisation_id = 'bench' AND environment = 'test'
      AND event_id = 'evt_bench' || lpad((:number)::text, 12, '0');
COMMIT;
