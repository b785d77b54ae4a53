"""A small library with Django's admin, its own users included.

python django_admin.py FOLDER        an empty folder of its own
"""

import sys
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from wsgi import serve

folder = Path(sys.argv[1])
# Django takes an application for what lies in a package.
(folder / "library").mkdir()
(folder / "library" / "__init__.py").touch()
(folder / "library" / "models.py").write_text(
    """
from django.db import models
class Author(models.Model):
    name = models.CharField(max_length=80)
    def __str__(self): return self.name
class Book(models.Model):
    title = models.CharField(max_length=80)
    author = models.ForeignKey(Author, models.CASCADE)
    bought = models.DateField(null=True, blank=True)
    cover = models.FileField(upload_to="covers", blank=True)
    about = models.TextField(blank=True)
    def __str__(self): return self.title
""",
    "utf-8",
)
(folder / "library" / "admin.py").write_text(
    """
from django.contrib import admin
from library.models import Author, Book
class Books(admin.TabularInline):
    model = Book
    extra = 1
@admin.register(Author)
class AuthorAdmin(admin.ModelAdmin):
    inlines = [Books]
    search_fields = ["name"]
@admin.register(Book)
class BookAdmin(admin.ModelAdmin):
    list_display = ["title", "author", "bought"]
    list_filter = ["author"]
    search_fields = ["title"]
    autocomplete_fields = ["author"]
""",
    "utf-8",
)
(folder / "addresses.py").write_text(
    "from django.contrib import admin\nfrom django.urls import path\nurlpatterns = [path('admin/', admin.site.urls)]\n",
    "utf-8",
)
sys.path.insert(0, str(folder))
settings.configure(
    ALLOWED_HOSTS=["*"],
    CSRF_COOKIE_SECURE=True,
    CSRF_TRUSTED_ORIGINS=["https://*.test"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "library.db"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        *(
            f"django.contrib.{name}"
            for name in ("admin", "auth", "contenttypes", "messages", "sessions", "staticfiles")
        ),
        "library",
    ],
    MEDIA_ROOT=folder / "media",
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    ROOT_URLCONF="addresses",
    SECRET_KEY="of a test",
    SESSION_COOKIE_SECURE=True,
    STATIC_URL="static/",
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
)
django.setup()
call_command("makemigrations", "library", verbosity=0)
call_command("migrate", verbosity=0)
from django.contrib.auth.models import User  # noqa: E402 - not before setup

User.objects.create_superuser("ann", "ann@example.test", "kettle-4711")
serve(StaticFilesHandler(get_wsgi_application()))
