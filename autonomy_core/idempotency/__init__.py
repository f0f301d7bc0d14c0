"""``Idempotency-Key``: the first POST with a key is executed, and a repetition gets its response.

It applies to every POST operation of the core and the plugins. See
docs/decisions/0010-answers-are-kept-with-the-work.md for the design.

===============  =======================================================================================
module           what it does
===============  =======================================================================================
``domain``       the identity of a key, the parts of a stored answer, and the lifetimes
``fingerprint``  hashes a body while it is read
``sealing``      encrypts what is stored, with the server's secret and the client's key
``models``       the table
``services``     reserve a key, store its answer, release it, replay the answer
``deriver``      applies this to every view of a POST
``errors``       a key that is refused, or an answer that cannot be replayed
``schemas``      the header in the API's description
``jobs``         deletes expired rows
===============  =======================================================================================

Source: draft-ietf-httpapi-idempotency-key-header.
"""
