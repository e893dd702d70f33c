"""Social platforms, one file each, with the same two names: ``request`` and ``parse``.

``request(source, token)`` gives the address to ask and the headers that identify us;
``parse(body)`` gives the items of the answer. Both are pure; nothing here asks a server.
"""
