"""Django's settings; the environment contains the database, Stripe's URL and the number of connections."""

from __future__ import annotations

import os

SECRET_KEY = "for the benchmark alone"
ALLOWED_HOSTS = ["shop.example"]
ROOT_URLCONF = "bench.webhooks.djstripe_shop.urls"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]  # sets Content-Length
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "djstripe",
    "bench.webhooks.djstripe_shop.apps.Shop",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
# Create the tables from the models: dj-stripe's migrations take a minute and give the same result.
MIGRATION_MODULES = {"auth": None, "contenttypes": None, "djstripe": None}
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
STRIPE_TEST_SECRET_KEY = "sk_test_" + "benchmark" * 3  # dj-stripe accepts no shorter key
STRIPE_LIVE_MODE = False
STRIPE_API_HOST = os.environ["STRIPE_URL"]
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
