-- What one webhook of ours executes, in its order and its one transaction.
-- Each client has :share payments, from :first + :client_id * :share on.
\set number :first + :client_id * :share + :done
\set done :done + 1

BEGIN;
SELECT set_config('autonomy.organisation', 'bench', true), set_config('autonomy.worker', 'off', true),
    set_config('statement_timeout', '10000ms', true);
WITH found AS (
    SELECT s.session_id, s.payment_intent_id,
        p.status IN ('pending', 'processing') AND NOT p.reversals AND p.coupon_id IS NULL
            AND products.kind <> 'bundle' AND p.created_at > now() - interval '1 hour' AS ordinary,
        p.id, p.customer_id, p.product_id, products.kind, p.provider, p.environment, p.status, p.amount, p.currency
    FROM stripe_payments_payments s
    JOIN payments p ON p.organisation_id = s.organisation_id AND p.id = s.payment_id
    JOIN products ON products.organisation_id = p.organisation_id AND products.id = p.product_id
    WHERE s.organisation_id = 'bench' AND s.environment = 'test'
        AND s.session_id = 'cs_test_bench' || lpad((:number)::text, 12, '0')
    FOR UPDATE OF s, p SKIP LOCKED
), stored AS (
    INSERT INTO stripe_payments_events
        (organisation_id, environment, event_id, type, payload, status, attempts, lookups, matched_by, payment_id,
         source, received_at, processed_at)
    SELECT 'bench', 'test', 'evt_bench' || lpad((:number)::text, 12, '0'), 'checkout.session.completed',
        (:payload)::jsonb, 'processed', 1, 'session_id: found', 'session_id', found.id, 'webhook', now(), now()
    FROM found WHERE found.ordinary
    ON CONFLICT DO NOTHING RETURNING event_id
), noted AS (
    UPDATE stripe_payments_payments s SET payment_intent_id = 'pi_bench' || lpad((:number)::text, 12, '0')
    FROM found, stored
    WHERE s.organisation_id = 'bench' AND s.payment_id = found.id
        AND s.payment_intent_id IS DISTINCT FROM 'pi_bench' || lpad((:number)::text, 12, '0')
), paid AS (
    UPDATE payments
    SET status = 'completed', settled_by = 'webhook', completed_at = now(), updated_at = now()
    FROM found, stored
    WHERE payments.organisation_id = 'bench' AND payments.id = found.id
), journal AS (
    INSERT INTO payment_journal (organisation_id, id, payment_id, at, kind, detail)
    SELECT 'bench', lpad((:number)::text, 32, '0')::uuid, found.id, now(), 'settled',
        jsonb_build_object('before', found.status, 'after', 'completed', 'source', 'webhook')
    FROM found, stored
), hook_runs AS (
    INSERT INTO payment_hook_runs (organisation_id, payment_id, plugin, outcome, attempts, updated_at)
    SELECT 'bench', found.id, plugin, 'succeeded', 1, now()
    FROM found, stored, unnest('{letters,media_mp3,tickets}'::text[]) plugin
)
SELECT
    (SELECT status FROM stripe_payments_events
     WHERE organisation_id = 'bench' AND environment = 'test'
       AND event_id = 'evt_bench' || lpad((:number)::text, 12, '0') AND NOT EXISTS (SELECT FROM stored)),
    (SELECT true FROM stored),
    found.*
FROM (VALUES (1)) always LEFT JOIN found ON true;
INSERT INTO grants (organisation_id, id, customer_id, product_id, payment_id, environment, plugin, granted_at)
VALUES ('bench', lpad((:number)::text, 32, '0')::uuid, lpad((:number)::text, 32, '0')::uuid,
    lpad((:number % 20)::text, 32, '0')::uuid, lpad((:number)::text, 32, '0')::uuid, 'test', 'media_mp3', now())
ON CONFLICT (organisation_id, payment_id, product_id) DO NOTHING RETURNING true;
COMMIT;
