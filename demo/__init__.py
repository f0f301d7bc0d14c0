"""``make demo``: a customer buys an MP3 and listens to it, with real processes and a visible transcript.

=================  =======================================================================
``__main__``       the command: set up, run the story, keep serving
``places``         files, ports and addresses
``processes``      the simulator, the server and the worker, started and stopped together
``shop``           the staff's preparation: create products, upload recordings
``client``         an HTTP client that prints each request
``customer``       the buyer: a new customer in each run
``story``          the main job, step by step, and a second shop that stays apart
``music``          the recordings, synthesised and encoded as real MP3 files
=================  =======================================================================
"""
