-- What one webhook of ours executes that comes alone, in its order and its one transaction.
-- Each client has :share payments, from :first + :client_id * :share on.
\set number :first + :client_id * :share + :done
\set done :done + 1

BEGIN;
SELECT set_config('autonomy.organisation', 'bench', true), set_config('autonomy.worker', 'off', true),
    set_config('statement_timeout', '10000ms', true),
    set_config('idle_in_transaction_session_timeout', '300000ms', true),
    set_config('plan_cache_mode', 'force_generic_plan', true);
WITH arrived AS (
    SELECT * FROM unnest(ARRAY['test'], ARRAY['cs_test_bench' || lpad((:number)::text, 12, '0')],
        ARRAY['pi_bench' || lpad((:number)::text, 12, '0')],
        ARRAY['evt_bench' || lpad((:number)::text, 12, '0')],
        ARRAY['checkout.session.completed'])
        WITH ORDINALITY AS arrived(environment, reference, learnt, event_event_id, event_type, place)
), found AS (
    SELECT arrived.place, arrived.learnt, locked.* FROM arrived CROSS JOIN LATERAL (
        SELECT named.payment_intent_id AS known, p.status AS before,
            p.status IN ('pending', 'processing') AND NOT p.reversals AND p.coupon_id IS NULL
                AND products.kind <> 'bundle' AND p.created_at > now() - interval '1 hour' AND NOT EXISTS (
                    SELECT FROM webhook_events waiting
                    WHERE waiting.organisation_id = 'bench' AND waiting.source = 'stripe'
                        AND waiting.environment = arrived.environment
                        AND waiting.waits_for = arrived.learnt
                ) AS ordinary,
            p.id, p.customer_id, p.product_id, products.kind AS product_kind, p.amount, p.currency,
            p.environment,
            p.provider
        FROM stripe_payments_payments named
        JOIN payments p ON p.organisation_id = named.organisation_id AND p.id = named.payment_id
        JOIN products ON products.organisation_id = p.organisation_id AND products.id = p.product_id
        WHERE named.organisation_id = 'bench' AND named.environment = arrived.environment
            AND named.session_id = arrived.reference
        FOR UPDATE OF named, p SKIP LOCKED
    ) locked
), stored AS (
    INSERT INTO webhook_events
        (organisation_id, environment, event_id, type, payload, source, status, attempts, lookups,
         matched_by, origin,
         payment_id, received_at, processed_at)
    SELECT 'bench', arrived.environment, arrived.event_event_id, arrived.event_type,
        ('[' || (:payload)::text || ']')::jsonb -> (place - 1)::int,
        'stripe', 'processed', 1, 'session_id: found', 'session_id', 'webhook', found.id, now(), now()
    FROM found JOIN arrived USING (place) WHERE ordinary
    ORDER BY place
    ON CONFLICT DO NOTHING RETURNING payment_id
), learning AS (
    UPDATE stripe_payments_payments named
    SET payment_intent_id = (SELECT learnt FROM found WHERE found.id = named.payment_id)
    WHERE named.organisation_id = 'bench' AND named.payment_id = ANY (ARRAY(
        SELECT payment_id FROM stored JOIN found ON found.id = payment_id
        WHERE learnt IS NOT NULL AND learnt IS DISTINCT FROM known
    ))
), completed AS (
    UPDATE payments
    SET status = 'completed', settled_by = 'webhook', completed_at = now(), updated_at = now()
    WHERE organisation_id = 'bench' AND id = ANY (ARRAY(SELECT payment_id FROM stored))
), journal AS (
    INSERT INTO payment_journal (organisation_id, id, payment_id, at, kind, detail)
    SELECT 'bench', (ARRAY[lpad((:number)::text, 32, '0')::uuid])[found.place], found.id, now(), 'settled',
        jsonb_build_object('before', found.before, 'after', 'completed', 'source', 'webhook')
    FROM found JOIN stored ON stored.payment_id = found.id
), hook_runs AS (
    INSERT INTO payment_hook_runs (organisation_id, payment_id, plugin, outcome, attempts, updated_at)
    SELECT 'bench', stored.payment_id, plugin, 'succeeded', 1, now()
    FROM stored, unnest('{letters,media_mp3,tickets}'::text[]) plugin
), receipts AS (
    INSERT INTO mail_messages (organisation_id, id, template, recipient, template_values, customer_id,
        locale, once,
        message_id, status, attempts, due_at, created_at)
    SELECT 'bench', mail_id, 'payments.receipt', customers.email, jsonb_build_object('payment_id', found.id),
        customers.id, customers.locale, 'receipt:' || found.id,
            '<' || mail_id || '@' || 'localhost' || '>', 'queued', 0,
        now(), now()
    FROM stored JOIN found ON found.id = stored.payment_id
    JOIN customers ON customers.organisation_id = 'bench' AND customers.id = found.customer_id,
    LATERAL (SELECT (ARRAY[lpad((:number)::text, 32, '0')::uuid])[found.place] AS mail_id) mail
    ON CONFLICT (organisation_id, once) DO NOTHING
)
SELECT
    arrived.place,
    CASE WHEN stored.payment_id IS NULL THEN
        (SELECT status FROM webhook_events event
         WHERE event.organisation_id = 'bench' AND event.source = 'stripe'
             AND event.environment = arrived.environment
            AND event.event_id = arrived.event_event_id)
    END,
    stored.payment_id IS NOT NULL, found.known, found.before, found.id, found.customer_id, found.product_id,
    found.product_kind, found.amount, found.currency, found.environment, found.provider
FROM arrived LEFT JOIN found USING (place) LEFT JOIN stored ON stored.payment_id = found.id
ORDER BY found.product_id, arrived.place;
SELECT procrastinate_defer_jobs_v1(array_agg(
    ROW(queue, name, 0, NULL, NULL, arguments, now() + make_interval(secs => in_seconds))
    ::procrastinate_job_to_defer_v1
))
FROM unnest(ARRAY['default'], ARRAY['mail.deliver'], ARRAY['{"organisation_id": "bench"}'::jsonb], ARRAY[0])
    AS job(queue, name, arguments, in_seconds);
INSERT INTO grants (organisation_id, id, customer_id, product_id, payment_id, environment, plugin, granted_at)
SELECT * FROM unnest(ARRAY['bench'], ARRAY[lpad((:number)::text, 32, '0')::uuid],
    ARRAY[lpad((:number)::text, 32, '0')::uuid], ARRAY[lpad((:number % 20)::text, 32, '0')::uuid],
    ARRAY[lpad((:number)::text, 32, '0')::uuid], ARRAY['test'], ARRAY['media_mp3'], ARRAY[now()])
ON CONFLICT (organisation_id, payment_id, product_id) DO NOTHING;
COMMIT;
