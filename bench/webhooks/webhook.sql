-- What one webhook of ours executes that comes alone, in its order and its one transaction.
-- Each client has :share payments, from :first + :client_id * :share on.
\set number :first + :client_id * :share + :done
\set done :done + 1

BEGIN;
SELECT set_config('autonomy.organisation', 'bench', true), set_config('autonomy.worker', 'off', true),
    set_config('statement_timeout', '10000ms', true), set_config('idle_in_transaction_session_timeout', '300000ms', true),
    set_config('plan_cache_mode', 'force_generic_plan', true);
WITH arrived AS (
    SELECT * FROM unnest(ARRAY['test'], ARRAY['cs_test_bench' || lpad((:number)::text, 12, '0')],
        ARRAY['evt_bench' || lpad((:number)::text, 12, '0')], ARRAY['checkout.session.completed'],
        ARRAY['pi_bench' || lpad((:number)::text, 12, '0')])
        WITH ORDINALITY AS arrived(environment, session_id, event_id, type, intent, place)
), found AS (
    SELECT arrived.place, arrived.intent, locked.* FROM arrived CROSS JOIN LATERAL (
        SELECT s.payment_intent_id,
            p.status IN ('pending', 'processing') AND NOT p.reversals AND p.coupon_id IS NULL
                AND products.kind <> 'bundle' AND p.created_at > now() - interval '1 hour' AS ordinary,
            p.id, p.customer_id, p.product_id, products.kind, p.provider, p.environment, p.status, p.amount, p.currency
        FROM stripe_payments_payments s
        JOIN payments p ON p.organisation_id = s.organisation_id AND p.id = s.payment_id
        JOIN products ON products.organisation_id = p.organisation_id AND products.id = p.product_id
        WHERE s.organisation_id = 'bench' AND s.environment = arrived.environment
            AND s.session_id = arrived.session_id
        FOR UPDATE OF s, p SKIP LOCKED
    ) locked
), stored AS (
    INSERT INTO stripe_payments_events
        (organisation_id, environment, event_id, type, payload, status, attempts, lookups, matched_by, payment_id,
         source, received_at, processed_at)
    SELECT 'bench', arrived.environment, event_id, type, ('[' || (:payload)::text || ']')::jsonb -> (place - 1)::int,
        'processed', 1, 'session_id: found', 'session_id', found.id, 'webhook', now(), now()
    FROM found JOIN arrived USING (place) WHERE ordinary
    ORDER BY place
    ON CONFLICT DO NOTHING RETURNING payment_id
), noted AS (
    UPDATE stripe_payments_payments s
    SET payment_intent_id = (SELECT intent FROM found WHERE found.id = s.payment_id)
    WHERE s.organisation_id = 'bench' AND s.payment_id = ANY (ARRAY(
        SELECT payment_id FROM stored JOIN found ON found.id = payment_id
        WHERE intent IS NOT NULL AND intent IS DISTINCT FROM payment_intent_id
    ))
), paid AS (
    UPDATE payments
    SET status = 'completed', settled_by = 'webhook', completed_at = now(), updated_at = now()
    WHERE organisation_id = 'bench' AND id = ANY (ARRAY(SELECT payment_id FROM stored))
), journal AS (
    INSERT INTO payment_journal (organisation_id, id, payment_id, at, kind, detail)
    SELECT 'bench', (ARRAY[lpad((:number)::text, 32, '0')::uuid])[found.place], found.id, now(), 'settled',
        jsonb_build_object('before', found.status, 'after', 'completed', 'source', 'webhook')
    FROM found JOIN stored ON stored.payment_id = found.id
), hook_runs AS (
    INSERT INTO payment_hook_runs (organisation_id, payment_id, plugin, outcome, attempts, updated_at)
    SELECT 'bench', stored.payment_id, plugin, 'succeeded', 1, now()
    FROM stored, unnest('{letters,media_mp3,tickets}'::text[]) plugin
)
SELECT
    arrived.place,
    CASE WHEN stored.payment_id IS NULL THEN
        (SELECT status FROM stripe_payments_events known
         WHERE known.organisation_id = 'bench' AND known.environment = arrived.environment
            AND known.event_id = arrived.event_id)
    END,
    stored.payment_id IS NOT NULL, found.payment_intent_id, found.id, found.customer_id, found.product_id, found.kind,
    found.provider, found.environment, found.status, found.amount, found.currency
FROM arrived LEFT JOIN found USING (place) LEFT JOIN stored ON stored.payment_id = found.id
ORDER BY found.product_id, arrived.place;
INSERT INTO grants (organisation_id, id, customer_id, product_id, payment_id, environment, plugin, granted_at)
SELECT * FROM unnest(ARRAY['bench'], ARRAY[lpad((:number)::text, 32, '0')::uuid],
    ARRAY[lpad((:number)::text, 32, '0')::uuid], ARRAY[lpad((:number % 20)::text, 32, '0')::uuid],
    ARRAY[lpad((:number)::text, 32, '0')::uuid], ARRAY['test'], ARRAY['media_mp3'], ARRAY[now()])
ON CONFLICT (organisation_id, payment_id, product_id) DO NOTHING RETURNING true;
COMMIT;
