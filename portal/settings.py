"""Settings of the portal and the gateway, all from the environment. README.md documents every variable."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.FileAwareEnv()
environ.Env.read_env(env.str("ENV_FILE", str(BASE_DIR / ".env")))

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# Keys that seal private keys and secret named values: the first seals, all open.
CERTIFICATE_ENCRYPTION_KEYS = env.list("CERTIFICATE_ENCRYPTION_KEYS", default=[])

# --- The two front doors ---------------------------------------------------------------------------------------
PORTAL_HOST = env.str("PORTAL_HOST", "127.0.0.1")
PORTAL_PORT = env.int("PORTAL_PORT", 8000)
PORTAL_WORKERS = env.int("PORTAL_WORKERS", 2)
PORTAL_THREADS = env.int("PORTAL_THREADS", 4)
PORTAL_REQUEST_SECONDS = env.int("PORTAL_REQUEST_SECONDS", 60)
PORTAL_TLS_CERTIFICATE = env.str("PORTAL_TLS_CERTIFICATE", "")
PORTAL_TLS_KEY = env.str("PORTAL_TLS_KEY", "")
PORTAL_BEHIND_TLS_PROXY = env.bool("PORTAL_BEHIND_TLS_PROXY", False)
# How many proxies in front append to X-Forwarded-For: whose address a sign-in failure is counted by.
PORTAL_PROXY_COUNT = env.int("PORTAL_PROXY_COUNT", int(PORTAL_BEHIND_TLS_PROXY))
PORTAL_USES_TLS = bool(PORTAL_TLS_CERTIFICATE) or PORTAL_BEHIND_TLS_PROXY
PORTAL_PUBLIC_URL = env.str("PORTAL_PUBLIC_URL", "").rstrip("/")

# What the management REST API calls this portal in its addresses.
MANAGEMENT_SERVICE_NAME = env.str("MANAGEMENT_SERVICE_NAME", "portal")

STOP_SECONDS = env.int("STOP_SECONDS", 30)  # how long calls in flight may take when the servers are stopped

GATEWAY_HOST = env.str("GATEWAY_HOST", "127.0.0.1")
GATEWAY_PORT = env.int("GATEWAY_PORT", 8080)
GATEWAY_PLAIN_PORT = env.int("GATEWAY_PLAIN_PORT", 0)
GATEWAY_WORKERS = env.int("GATEWAY_WORKERS", 2)
GATEWAY_EXCHANGE_THREADS = env.int("GATEWAY_EXCHANGE_THREADS", 64)
GATEWAY_TLS_CERTIFICATE = env.str("GATEWAY_TLS_CERTIFICATE", "")
GATEWAY_TLS_KEY = env.str("GATEWAY_TLS_KEY", "")
GATEWAY_PUBLIC_URL = env.str("GATEWAY_PUBLIC_URL", "").rstrip("/")
# Where the portal itself reaches the gateway, for calls of the console; not set, it is where callers do.
CONSOLE_GATEWAY_URL = env.str("CONSOLE_GATEWAY_URL", "").rstrip("/")
GATEWAY_ALLOWED_BACK_END_NETWORKS = env.list("GATEWAY_ALLOWED_BACK_END_NETWORKS", default=[])
GATEWAY_CONNECT_TIMEOUT = env.float("GATEWAY_CONNECT_TIMEOUT", 10.0)
GATEWAY_READ_TIMEOUT = env.float("GATEWAY_READ_TIMEOUT", 300.0)
GATEWAY_TOTAL_TIMEOUT = env.float("GATEWAY_TOTAL_TIMEOUT", 0.0)
GATEWAY_BODY_SECONDS = env.float("GATEWAY_BODY_SECONDS", 60.0)
GATEWAY_MAX_HEAD_BYTES = env.int("GATEWAY_MAX_HEAD_BYTES", 65536)
GATEWAY_MAX_BODY_BYTES = env.int("GATEWAY_MAX_BODY_BYTES", 0)
GATEWAY_MAX_CALLS = env.int("GATEWAY_MAX_CALLS", 1000)
GATEWAY_MAX_CALLS_PER_API = env.int("GATEWAY_MAX_CALLS_PER_API", 500)
GATEWAY_TRUSTED_PROXIES = env.list("GATEWAY_TRUSTED_PROXIES", default=[])
GATEWAY_UNDERSCORES = env.str("GATEWAY_UNDERSCORES", "refuse")

# What operators see of the gateway: "-" is standard error; metrics and health have a listener of their own.
GATEWAY_ACCESS_LOG = env.str("GATEWAY_ACCESS_LOG", "-") or "off"
GATEWAY_OPERATOR_HOST = env.str("GATEWAY_OPERATOR_HOST", "127.0.0.1")
_operator_port = env.str("GATEWAY_OPERATOR_PORT", "9464")
GATEWAY_OPERATOR_PORT = None if _operator_port in ("", "off") else int(_operator_port)

# --- Application -----------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "portal",
    "gateway",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "axes",
]

MIDDLEWARE = [
    "portal.management_api.door.Door",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.middleware.NoStore",
    "portal.middleware.ErrorPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "portal.middleware.SessionLimits",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.navigation.frame",
            ],
        },
    },
]

# --- Database --------------------------------------------------------------------------------------------------
# "default" writes. "snapshot" is the gateways' read-only connection to the same database, whose transactions see
# one state of it (deferred on SQLite, REPEATABLE READ on PostgreSQL), so that a snapshot is never torn.
_SQLITE = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 5,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
}


def _databases(default: dict[str, Any]) -> dict[str, Any]:
    options = default.setdefault("OPTIONS", {})
    snapshot = {**default, "OPTIONS": dict(options), "TEST": {"MIRROR": "default"}}
    if default["ENGINE"].endswith("sqlite3"):
        options.update(_SQLITE)
        snapshot["OPTIONS"] |= {"timeout": 5, "init_command": "PRAGMA query_only=ON;"}
    elif default["ENGINE"].endswith("postgresql"):
        readonly = "-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read"
        snapshot["OPTIONS"]["options"] = f"{options.get('options', '')} {readonly}".strip()
        # To connect takes longer than most of what is then asked. SQLite's file could be another one meanwhile.
        default |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    return {"default": default, "snapshot": snapshot}


DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / ".local")))
DATABASES = _databases(env.db_url("DATABASE_URL", default=f"sqlite:///{quote(str(DATA_DIR))}/portal.sqlite3"))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People ----------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "sign-in"

SESSION_COOKIE_NAME = "portal_session"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PORTAL_USES_TLS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_SECONDS", 30 * 60)
SESSION_ABSOLUTE_SECONDS = env.int("SESSION_ABSOLUTE_SECONDS", 12 * 60 * 60)
# Sessions outlive the limits, which portal.middleware enforces: it has to know whose session it ends.
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_SECONDS + 24 * 60 * 60

# Sign-in is slowed by django-axes: so many failures of one account, or from one address, then a pause.
AXES_HANDLER = "portal.attempts.Attempts"
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_FAILURE_LIMIT = env.int("SIGN_IN_FAILURES", 5)
AXES_COOLOFF_TIME = timedelta(seconds=env.int("SIGN_IN_PAUSE_SECONDS", 10 * 60))
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the page says when to try again, and that stays true
AXES_DISABLE_ACCESS_LOG = True
AXES_LOCKOUT_CALLABLE = "portal.views.account.locked_out"
AXES_CLIENT_IP_CALLABLE = "portal.client_address.client_address"

# --- Headers ---------------------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = PORTAL_USES_TLS  # whoever gets past the proxy is sent back to it
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if PORTAL_USES_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PORTAL_USES_TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PORTAL_BEHIND_TLS_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF, NONCE],  # the nonce is there on a page alone whose template asks for it
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    },
}


# --- E-mail ----------------------------------------------------------------------------------------------------
# Nothing is sent unless EMAIL_URL says how. Django's names for what is in it.
def _email() -> dict[str, Any]:
    try:
        return dict(env.email_url_config(env.str("EMAIL_URL", "") or "dummymail://"))
    except (ImproperlyConfigured, ValueError):  # whose words may repeat a part of the password
        raise ImproperlyConfigured("EMAIL_URL is not like smtp+tls://user:password@host:587.") from None


_EMAIL = _email()
EMAIL_BACKEND = _EMAIL["EMAIL_BACKEND"]
EMAIL_USE_TLS, EMAIL_USE_SSL = _EMAIL.get("EMAIL_USE_TLS", False), _EMAIL.get("EMAIL_USE_SSL", False)
EMAIL_HOST = _EMAIL["EMAIL_HOST"] or "localhost"
EMAIL_PORT = _EMAIL["EMAIL_PORT"] or (465 if EMAIL_USE_SSL else 587 if EMAIL_USE_TLS else 25)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _EMAIL["EMAIL_HOST_USER"] or "", _EMAIL["EMAIL_HOST_PASSWORD"] or ""
EMAIL_FILE_PATH = f"/{_EMAIL['EMAIL_FILE_PATH']}"
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", 15)  # seconds that the mail server may take for each answer
EMAIL_USE_LOCALTIME = False
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "webmaster@localhost")
# Whether `serve` itself looks once a day for certificates that people are to be told of.
SEND_EXPIRY_NOTIFICATIONS = env.bool("SEND_EXPIRY_NOTIFICATIONS", True)

# --- Text, files, uploads --------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(DATA_DIR / "static")))
# Not static/ as a whole: static/editor is source, with packages beside it after a build.
STATICFILES_DIRS = [(name, BASE_DIR / "static" / name) for name in ("css", "img", "js")]
# `manage.py serve` collects static files under hashed names, which browsers may keep for ever, and says so here.
STATIC_HASHED = env.bool("STATIC_HASHED", False)
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not STATIC_HASHED
_PLAIN, _HASHED = (
    "django.contrib.staticfiles.storage.StaticFilesStorage",
    "whitenoise.storage.CompressedManifestStaticFilesStorage",
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _HASHED if STATIC_HASHED else _PLAIN},
}
FILE_UPLOAD_HANDLERS = ["portal.uploads.BoundedMemoryHandler"]  # a PFX never rests on a disk
REQUEST_MAX_BYTES = env.int("REQUEST_MAX_BYTES", 50_000_000)  # more is refused before it is read
CSRF_FAILURE_VIEW = "portal.views.errors.csrf_failure"

LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {"axes": {"level": "WARNING"}},  # otherwise a line at each start of each process
}
