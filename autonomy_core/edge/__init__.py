"""The server's edge: it runs between the network and the WSGI application in ``autonomy serve``.

It runs in each process's event loop. The application has a limited number of threads, and slow clients must
not occupy them. Therefore:

- a request gets a thread only after its whole body has arrived (`body`) within its deadlines (`limits`);
- the thread is free before the answer is sent, and the event loop sends files (`answer`);
- a request that is rejected whatever its body contains is rejected before the body arrives (`application`);
- health checks and metrics have their own threads (`pool`);
- the number of slow requests per client address is limited (`crowd`);
- organisations share the threads that read from stores, which may not answer (`pieces`).

The application is plain WSGI and works with any other server. Decision 0023 gives the reasons.
"""
