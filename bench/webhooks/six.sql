-- The least that settling once needs, in one transaction: tenant, inbox, lock, payment, grant, event.
-- Each client has :share payments, from :first + :client_id * :share on.
\set number :first + :client_id * :share + :done
\set done :done + 1

BEGIN;
SELECT set_config('autonomy.organisation', 'bench', true);
INSERT INTO webhook_events
    (organisation_id, source, environment, event_id, type, payload, status, attempts, origin, received_at)
    VALUES ('bench', 'stripe', 'test', 'evt_bench' || lpad((:number)::text, 12, '0'),
        'checkout.session.completed',
            (:payload)::jsonb, 'received', 1, 'webhook', now())
    ON CONFLICT DO NOTHING RETURNING status;
SELECT p.id, p.customer_id, p.product_id, p.status, p.amount, p.currency FROM stripe_payments_payments s
    JOIN payments p ON p.organisation_id = s.organisation_id AND p.id = s.payment_id
    WHERE s.organisation_id = 'bench' AND s.session_id = 'cs_test_bench' || lpad((:number)::text, 12, '0')
      AND s.environment = 'test' FOR UPDATE OF p;
UPDATE payments SET status = 'completed', settled_by = 'webhook', updated_at = now(), completed_at = now()
    WHERE organisation_id = 'bench' AND id = lpad((:number)::text, 32, '0')::uuid;
INSERT INTO grants
    (organisation_id, id, customer_id, product_id, payment_id, environment, plugin, granted_at)
    VALUES ('bench', lpad((:number)::text, 32, '0')::uuid, lpad((:number)::text, 32, '0')::uuid,
            lpad((:number % 20)::text, 32, '0')::uuid, lpad((:number)::text, 32, '0')::uuid, 'test',
                'media_mp3',
            now())
    ON CONFLICT (organisation_id, payment_id, product_id) DO NOTHING;
UPDATE webhook_events
    SET status = 'processed', matched_by = 'session_id', payment_id = lpad((:number)::text, 32, '0')::uuid,
        processed_at = now()
    WHERE organisation_id = 'bench' AND source = 'stripe' AND environment = 'test'
      AND event_id = 'evt_bench' || lpad((:number)::text, 12, '0');
COMMIT;
