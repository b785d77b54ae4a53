"""A small shop made with django-oscar: shelves, a basket, ordering without an account, and the shopkeeper's desk.

python shop.py FOLDER        an empty folder of its own
"""

import sys
from decimal import Decimal
from pathlib import Path

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from oscar import INSTALLED_APPS, defaults
from PIL import Image
from wsgi import serve

folder = Path(sys.argv[1])
(folder / "addresses.py").write_text(
    """
from django.apps import apps
from django.conf import settings
from django.urls import include, path
from django.views.static import serve
urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("media/<path:path>", serve, {"document_root": settings.MEDIA_ROOT}),
    path("", include(apps.get_app_config("oscar").urls[0])),
]
""",
    "utf-8",
)
# Its own jQuery, and none from elsewhere.
(folder / "oscar").mkdir()
(folder / "oscar" / "base.html").write_text(
    """{% extends "oscar/base.html" %}{% load static %}
{% block cdn_scripts %}<script src="{% static "oscar/js/jquery/jquery.min.js" %}"></script>{% endblock %}
""",
    "utf-8",
)
sys.path.insert(0, str(folder))
settings.configure(
    **{key: value for key, value in vars(defaults).items() if key.isupper()}
    | {
        "ALLOWED_HOSTS": ["*"],
        "AUTHENTICATION_BACKENDS": ["oscar.apps.customer.auth_backends.EmailBackend"],
        "CSRF_COOKIE_SECURE": True,
        "CSRF_TRUSTED_ORIGINS": ["https://*.test"],
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "shop.db"}},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "HAYSTACK_CONNECTIONS": {
            "default": {"ENGINE": "haystack.backends.whoosh_backend.WhooshEngine", "PATH": folder / "index"}
        },
        "INSTALLED_APPS": [*INSTALLED_APPS, "sorl.thumbnail"],
        "LANGUAGE_CODE": "en-gb",
        "LANGUAGES": [("en-gb", "British English"), ("de", "Deutsch")],
        "MEDIA_ROOT": folder / "media",
        "MEDIA_URL": "/media/",
        "MIDDLEWARE": [
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "oscar.apps.basket.middleware.BasketMiddleware",
        ],
        "OSCAR_ALLOW_ANON_CHECKOUT": True,
        # What was looked at before is remembered for nobody who refuses: not shown on any site.
        "OSCAR_RECENTLY_VIEWED_PRODUCTS": 0,
        "OSCAR_INITIAL_ORDER_STATUS": "New",
        "OSCAR_ORDER_STATUS_PIPELINE": {"New": ("Sent",), "Sent": ()},
        "ROOT_URLCONF": "addresses",
        "SECRET_KEY": "of a test",
        "SESSION_COOKIE_SECURE": True,
        "SITE_ID": 1,
        "STATIC_URL": "/static/",
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "DIRS": [folder],
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.template.context_processors.i18n",
                        "django.contrib.messages.context_processors.messages",
                        "oscar.apps.search.context_processors.search_form",
                        "oscar.apps.checkout.context_processors.checkout",
                        "oscar.core.context_processors.metadata",
                    ]
                },
            }
        ],
        "USE_TZ": True,
    }
)
django.setup()
# Every table at once as the models are now, not in the hundred steps of their history.
settings.MIGRATION_MODULES = {application.label: None for application in apps.get_app_configs()}
call_command("migrate", run_syncdb=True, verbosity=0)

from django.contrib.auth.models import User  # noqa: E402 - not before setup
from django.contrib.staticfiles.handlers import StaticFilesHandler  # noqa: E402
from django.core.files import File  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from oscar.apps.catalogue.categories import create_from_breadcrumbs  # noqa: E402
from oscar.core.loading import get_model  # noqa: E402

for code, name in (("GB", "United Kingdom"), ("SE", "Sweden")):
    get_model("address", "Country").objects.create(
        iso_3166_1_a2=code, name=name, printable_name=name, is_shipping_country=True
    )
(folder / "media").mkdir()
kind = get_model("catalogue", "ProductClass").objects.create(name="Kettles and pots")
partner = get_model("partner", "Partner").objects.create(name="Kettlemaker")
for number in range(1, 25):
    told = f"<p>Holds <b>{number}</b>. <a href='https://elsewhere.example/?a={number}&amp;b=2'>Maker</a></p>"
    product = get_model("catalogue", "Product").objects.create(
        product_class=kind, title=f"Kettle {number:02}", upc=f"k{number}", description=told
    )
    product.stockrecords.create(
        partner=partner, partner_sku=f"s{number}", price=Decimal(number) + Decimal("0.5"), num_in_stock=number
    )
    product.categories.add(create_from_breadcrumbs("Kitchen > Kettles" if number % 2 else "Kitchen > Pots"))
    picture = folder / f"{number}.png"
    Image.new("RGB", (300, 200), (number * 10, 80, 120)).save(picture)
    with picture.open("rb") as opened:
        product.images.create(original=File(opened, picture.name))
call_command("update_index", verbosity=0)
User.objects.create_superuser("ann", "ann@example.test", "kettle-4711")
serve(StaticFilesHandler(get_wsgi_application()))
