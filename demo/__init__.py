"""``make demo``: a customer buys an MP3 and listens to it, with real processes, and everybody can watch.

=================  =======================================================================
``__main__``       the command: set up, tell the story, keep serving
``places``         where things are: files, ports, addresses
``processes``      the simulator, the server and the worker, started and stopped together
``shop``           what staff do first: make products and upload recordings
``client``         an HTTP client that writes each request down as it happens
``customer``       who buys: a new one in each run
``story``          the main job, step by step, and a second shop that stays apart
``music``          the recordings, synthesised and encoded as real MP3 files
=================  =======================================================================
"""
