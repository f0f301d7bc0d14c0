"""Pages for people: how a page is declared, shown, translated and protected.

================  ====================================================================================
module            what it does
================  ====================================================================================
``operations``    `page_view`: the declaration of a page
``forms``         reads forms, and shows them again with what is wrong
``shown``         what every template knows as ``page``: paths, menus, slots, the token of forms
``rendering``     chooses language and templates, and makes the answer
``templates``     finds templates: those of the theme, of the plugins, of the core
``catalogues``    translations; ``negotiation`` chooses the language of a request
``sessions``      the cookie of a login; ``visitors`` the tokens of forms
``headers``       what browsers may do with a page
``answering``     makes pages of problems, and adds the headers
``assets``        static files, and files of themes
``themes``        checks the files of a theme
================  ====================================================================================

See docs/decisions/0081, 0082 and 0083.
"""
