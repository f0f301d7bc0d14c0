"""Files that plugins receive, store, serve and remove.

An upload is received under a limit (`receiving`), inspected in a limited child process (`limited`), stored
under its content (`services`, `storage`), served in ranges and by signed links (`responses`,
`authenticator`), and removed when no row refers to it (`collecting`). `area` describes the files of a plugin,
`room` limits what an organisation stores, and `uploads` receives large files in parts.
"""
