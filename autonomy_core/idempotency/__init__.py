"""``Idempotency-Key``: a client that repeats a POST with the same key gets the first answer, and nothing happens twice.

It holds for every operation that is a POST, whichever plugin's. Why it is done like this:
docs/decisions/0010-answers-are-kept-with-the-work.md.

===============  =======================================================================================
module           what it does
===============  =======================================================================================
``domain``       what a key belongs to, what an answer consists of, how long each is held
``fingerprint``  tells one body from another while it is read
``sealing``      makes what is stored unreadable without the server's secret and the client's key
``models``       the table
``services``     reserve a key, keep its answer, release it, give the answer again
``deriver``      does all this around every view of a POST
``errors``       why a key is not taken, or its answer not given
``schemas``      the header as the API's description shows it
``jobs``         forgets what is out of date
===============  =======================================================================================

Source: draft-ietf-httpapi-idempotency-key-header.
"""
