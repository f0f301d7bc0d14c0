"""Uploads that can be continued: the tus protocol 1.0, for staff.

Each request adds one part, which is a file in the organisation's store. The rows of an upload say which parts
it has, so that any server of the installation can continue it (`services`). A call that takes a form with a
file takes a finished upload instead (`assembling`). `collecting` removes uploads that nothing used in time.
"""
