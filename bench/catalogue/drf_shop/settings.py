"""Django's settings; the environment contains the database and the number of connections."""

from __future__ import annotations

import os

SECRET_KEY = "for the benchmark alone"
ALLOWED_HOSTS = [".example"]
ROOT_URLCONF = "bench.catalogue.drf_shop.urls"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]  # sets Content-Length
INSTALLED_APPS = ["rest_framework", "bench.catalogue.drf_shop.apps.Catalogue"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["DATABASE_NAME"],
        "USER": os.environ["DATABASE_USER"],
        "HOST": os.environ["DATABASE_HOST"],
        "PORT": os.environ["DATABASE_PORT"],
        "OPTIONS": {
            "pool": {"min_size": int(os.environ["POOL_SIZE"]), "max_size": int(os.environ["POOL_SIZE"])}
        },
    }
}
