"""Django's settings; the environment has the database, Stripe's address and the number of connections."""

from __future__ import annotations

import os

SECRET_KEY = "for the benchmark alone"
ALLOWED_HOSTS = ["shop.example"]
ROOT_URLCONF = "bench.webhooks.djstripe_shop.urls"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]  # tells how long an answer is
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "djstripe",
    "bench.webhooks.djstripe_shop.apps.Shop",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
# The tables are made from the models: to replay dj-stripe's migrations takes a minute and gives the same.
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
STRIPE_TEST_SECRET_KEY = "sk_test_" + "benchmark" * 3  # dj-stripe takes no shorter one
STRIPE_LIVE_MODE = False
STRIPE_API_HOST = os.environ["STRIPE_URL"]
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
