"""Pages for people: `page_view`, forms, menus, slots, and sessions of browsers."""

from __future__ import annotations

from autonomy_core.kernel.pages import (
    MenuEntry,
    Message,
    PageFiles,
    SlotContent,
    _,
    always,
    signed_in,
    signed_out,
)
from autonomy_core.kernel.urls import site_url
from autonomy_core.pages.forms import Checkbox, Form
from autonomy_core.pages.headers import allow
from autonomy_core.pages.operations import PageDetails, PageView, local_path, page_view, redirect
from autonomy_core.pages.sessions import begin_session, end_session, session_token

__all__ = [
    "Checkbox",
    "Form",
    "MenuEntry",
    "Message",
    "PageDetails",
    "PageFiles",
    "PageView",
    "SlotContent",
    "_",
    "allow",
    "always",
    "begin_session",
    "end_session",
    "local_path",
    "page_view",
    "redirect",
    "session_token",
    "signed_in",
    "signed_out",
    "site_url",
]
