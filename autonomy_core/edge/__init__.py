"""What stands between the network and the WSGI application in ``autonomy serve``, in each process's event loop.

The application has a limited number of threads. A client must not hold one for as long as it likes, so that:

- a request is given a thread when its body has arrived whole (`body`), in time (`limits`);
- the thread is given back before the answer is sent, and files are sent by the event loop (`answer`);
- what is refused whatever the body says is refused before the body is waited for (`application`);
- probes and metrics have threads of their own (`pool`);
- one client address has a limited number of slow requests (`crowd`).

The application stays plain WSGI, and works under any other server; decision 0023 tells why it is done so.
"""
