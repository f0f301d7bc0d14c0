"""A catalogue with Django and Django REST framework, as its tutorial writes one."""
