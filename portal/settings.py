"""The one place that reads the environment. Every HOLDFAST_X may also come from a file named by HOLDFAST_X_FILE."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from portal import settings_api

BASE_DIR = Path(__file__).resolve().parent.parent


def envstr(name: str, default: str = "") -> str:
    """HOLDFAST_<name>, or the stripped content of the file that HOLDFAST_<name>_FILE names, or the default."""
    path = os.environ.get(f"HOLDFAST_{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"HOLDFAST_{name}_FILE: {error}") from None
    return os.environ.get(f"HOLDFAST_{name}", default)


def envbool(name: str, default: bool) -> bool:
    """1/true/yes/on or 0/false/no/off; anything else is refused."""
    text = envstr(name).lower()
    if not text:
        return default
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise ImproperlyConfigured(f"HOLDFAST_{name} is {text!r}: say true or false.")


def envint(name: str, default: int) -> int:
    """A whole number."""
    text = envstr(name)
    try:
        return int(text) if text else default
    except ValueError:
        raise ImproperlyConfigured(f"HOLDFAST_{name} is {text!r}: say a whole number.") from None


def envlist(name: str, default: str = "") -> list[str]:
    """Comma-separated words."""
    return [word.strip() for word in envstr(name, default).split(",") if word.strip()]


def envsecret(name: str) -> str:
    """A value without which the portal does not start."""
    value = envstr(name)
    if not value:
        raise ImproperlyConfigured(f"HOLDFAST_{name} or HOLDFAST_{name}_FILE must be set.")
    return value


# A connection that a firewall or a dead database host forgot is given up after some 20 s; without this, a worker or the
# live channel waits on it for hours. libpq takes no notice of it on a socket in the file system.
DATABASE_KEEPALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}


def database(url: str) -> dict[str, object]:
    """postgres://user:password@host:port/name?host=/socket/dir as Django's dictionary."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ImproperlyConfigured(
            "HOLDFAST_DATABASE_URL must begin with postgresql://: no other database is supported."
        )
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or "") or envstr("DATABASE_PASSWORD"),
        "HOST": query.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or query.pop("port", "")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5, **DATABASE_KEEPALIVE, **query},
        "TEST": {"NAME": f"test_holdfast{envstr('TEST_SUFFIX')}", "TEMPLATE": envstr("TEST_TEMPLATE") or None},
    }


# The demo and the tests: loopback only, demo accounts, plain HTTP on 127.0.0.1. Never in production.
DEMO = envbool("DEMO", False)
DEBUG = False
SECRET_KEY = envsecret("SECRET_KEY")
# Fernet keys for secrets at rest, the newest first; the others are only read with.
HOLDFAST_SEAL_KEYS = [key for key in envsecret("SEAL_KEYS").replace("\n", ",").split(",") if key.strip()]
# Ed25519 private key (PEM) that signs the evidence at the end of a Run; "" : records are chained but not signed.
HOLDFAST_EVIDENCE_KEY = envstr("EVIDENCE_KEY")
ALLOWED_HOSTS = envlist("ALLOWED_HOSTS", "127.0.0.1,localhost")
CSRF_TRUSTED_ORIGINS = envlist("TRUSTED_ORIGINS")
# The lab's control page, linked from the demo only.
HOLDFAST_LAB_URL = envstr("LAB_URL") if DEMO else ""

INSTALLED_APPS = [
    "portal.access.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "axes",
    "portal.access.apps.AccessConfig",
    "portal.evidence",
    "portal.outbox.apps.OutboxConfig",
    "portal.alerts.apps.AlertsConfig",
    "portal.changes.apps.ChangesConfig",
    "portal.runs",
    "inventory",
    "backups",
    "failover",
]

MIDDLEWARE = [
    "portal.access.middleware.identified",
    "portal.access.middleware.fenced",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "portal.access.middleware.legible",
    "portal.access.idempotency.given_back",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.access.middleware.at_home",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
ASGI_APPLICATION = "portal.asgi.application"

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
                "inventory.views.frame.frame",
            ],
        },
    },
]

DATABASES = {"default": database(envsecret("DATABASE_URL"))}

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "portal.access.backend.PeopleBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # so that "try again at" stays true
AXES_CLIENT_IP_CALLABLE = "portal.access.address.client_address"
AXES_LOCKOUT_CALLABLE = "portal.access.views.locked_out"
AXES_HTTP_RESPONSE_CODE = 429
AXES_DISABLE_ACCESS_LOG = True  # logins are in the evidence
AXES_VERBOSE = False

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = envstr("TIME_ZONE", "UTC")  # how times are shown; stored in UTC always

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(envstr("STATIC_ROOT", str(BASE_DIR / "var" / "static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Support bundles and other files that Runs bring in.
HOLDFAST_VAULT = Path(envstr("VAULT", str(BASE_DIR / "var" / "vault")))
# Scratch servers of rehearsals. Run as root, they live under another account, which must be able to come here.
HOLDFAST_SCRATCH = Path(envstr("SCRATCH", str(BASE_DIR / "var" / "scratch")))
# What portal.runs is plugged into (portal/runs/ports.py).
HOLDFAST_SHELLS = {
    "host": "inventory.services.shell.host_shell",
    "engine": "inventory.services.shell.engine_shell",
    "backup": "backups.services.shell.shell",
    "catalog": "backups.services.shell.shell",
    "destination": "backups.services.shell.shell",
    "she": "failover.services.shell.shell",
}
HOLDFAST_WORKS: dict[str, str] = {
    "backups.climb": "backups.works.climbing.work",
    "backups.collect_kit": "backups.works.collecting.work",
    "backups.count": "backups.works.counting.work",
    "backups.judge": "backups.works.judging.work",
    "backups.look_back": "backups.works.looking_back.work",
    "backups.push": "backups.works.pushing.work",
    "backups.receive": "backups.works.receiving.work",
    "backups.rehearse": "backups.works.restoring.work",
    "backups.rechecking": "backups.works.rechecking.work",
    "backups.retiring": "backups.works.retiring.work",
    "failover.ask_person": "failover.works.people.ask_person",
    "failover.cut_power": "failover.works.asking_engine.cut_power",
    "failover.fingerprint_after": "failover.works.marking.after",
    "failover.fingerprint_before": "failover.works.marking.before",
    "failover.migrate": "failover.works.asking_engine.migrate",
    "failover.power_on": "failover.works.asking_engine.power_on",
    "failover.rehearse": "failover.works.people.rehearse",
    "failover.start_clock": "failover.works.marking.start_clock",
    "failover.stop_clock": "failover.works.marking.stop_clock",
    "failover.walk_through": "failover.works.people.walk",
    "failover.deactivate": "failover.works.host_mode.deactivate",
    "failover.activate": "failover.works.host_mode.activate",
}
HOLDFAST_TELLINGS: dict[str, str] = {
    "backups.backup": "backups.services.telling.backup",
    "backups.copy": "backups.services.telling.copy",
    "failover.drill": "failover.services.telling.drill",
    "failover.prechecks": "failover.services.readiness.telling",
    "failover.migration": "failover.services.migration.telling",
    "failover.rehearsal": "failover.services.telling.rehearsal",
    "failover.witness": "failover.services.witness.telling",
    "failover.standing": "failover.services.standing.telling",
    "failover.statuses": "failover.services.standing.statuses",
    "failover.acted": "failover.services.standing.acted",
    "backups.kit": "backups.services.telling.kit",
    "backups.rechecking": "backups.works.rechecking.standing",
    "backups.retiring": "backups.works.retiring.standing",
}
HOLDFAST_PLANS = ["failover.services.composed.plan_of"]
HOLDFAST_GATES = ["failover.services.gates.gate", "failover.services.change_gate.gate"]
HOLDFAST_LAUNCHES = ["failover.services.change_gate.launch"]
HOLDFAST_SITE_OF = "failover.services.sites.of_target"
HOLDFAST_CHANGE_COVERS = "failover.services.items.covering"  # (target, items of each change) -> whether it covers it
# How a change system is opened (portal/changes/services/opening.py).
HOLDFAST_CHANGE_CONNECT = "portal.connectors.change.connect"
HOLDFAST_CONSENTS = ["failover.services.approvals.consent"]
# Pages that a Run belongs to, by packages above portal.runs: whoever acts on it comes back there.
HOLDFAST_HOMES = ["failover.services.answer.home"]
HOLDFAST_SECRETS = [
    "inventory.services.shell.secrets",
    "backups.services.secrets.known",
    "portal.changes.services.opening.known_secrets",
    "portal.alerts.services.secrets.known",
]
# Who says what is wrong now (portal/alerts/rules/alarm.py), and in which windows people work on the estate.
HOLDFAST_ALARMS = [
    "inventory.services.alarms.alarms",
    "backups.services.alarms.alarms",
    "failover.services.alarms.alarms",
    "failover.services.report_alarms.alarms",
    "portal.runs.alarms.alarms",
    "portal.changes.alarms.alarms",
    "portal.alerts.services.own.undelivered",
    "portal.alerts.services.own.broken",
]
HOLDFAST_ALERT_DAYS = envint("ALERT_DAYS", 400)  # for which alerts and messages that are over stay; 60 at least
HOLDFAST_QUIET = ["failover.services.alarms.quiets"]
# Channels of the outbox beside mail: who sends a kept message over them.
HOLDFAST_CHANNELS = {name: "portal.alerts.services.sending.send" for name in ("webhook", "slack", "teams", "syslog")}
# Answers of the overview that packages above inventory give (inventory/services/told.py).
HOLDFAST_ANSWERS = {"rebuild": "backups.services.answer.rebuild", "proven": "failover.services.answer.proven"}
# Seconds after which another hosted-engine host has read what one has written; less only in a lab that runs faster.
HOLDFAST_HA_LAG = envint("HA_LAG", 20)
HOLDFAST_RELEASE_GRACE = envint("RELEASE_GRACE", 600)  # seconds from a window's deadline to the release on the host
HOLDFAST_COOL_DOWN = envint("COOL_DOWN", 600)  # seconds between two drills that restart the engine VM
HOLDFAST_DRILL_BACKUP_HOURS = envint("DRILL_BACKUP_HOURS", 26)  # how old the proven backup behind a drill may be
HOLDFAST_ATTACHMENT_MB = envint("ATTACHMENT_MB", 4)  # of a file that is attached to an answer; below nginx's limit
HOLDFAST_MAIL_URL = envstr("MAIL_URL")  # portal/connectors/mail.py; it holds a password, so name a file
HOLDFAST_CLAUSES = envstr("CLAUSES")  # file of the bank's own map of clauses; "": the one that comes along
HOLDFAST_REPORT_MAIL_MB = envint("REPORT_MAIL_MB", 8)  # of files that one mail carries; larger ones are linked
HOLDFAST_PUBLIC_URL = envstr("PUBLIC_URL")  # how people reach the portal, for links in mail
# Requests that one person, or one unknown address, may send to the API in a minute.
HOLDFAST_API_READS = envint("API_READS", 1200)
HOLDFAST_API_WRITES = envint("API_WRITES", 300)
HOLDFAST_CALLBACKS = envint("CALLBACKS", 120)  # of one change system in a minute
HOLDFAST_LEASE = envint("LEASE", 15)  # seconds after which a Run whose worker is silent is given to another

# Celery only wakes workers up; the database is the truth (docs/architecture.md 5).
CELERY_BROKER_URL = envstr("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = settings_api.caches(CELERY_BROKER_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "runs"
CELERY_TASK_ROUTES = {
    # says that nobody looks: so not by those who look
    "inventory.tasks.expire_looks": {"queue": "runs"},
    "inventory.tasks.*": {"queue": "looks"},
    "portal.runs.tasks.*": {"queue": "runs"},
    # short, and never behind a Run: one may read an archive for hours in its worker
    "backups.tasks.*": {"queue": "looks"},
    # minutes of a processor: where Runs are driven, never where hosts are looked at
    "failover.tasks.make_reports": {"queue": "runs"},
    "failover.tasks.*": {"queue": "looks"},
    "portal.outbox.tasks.*": {"queue": "looks"},
    "portal.alerts.tasks.*": {"queue": "looks"},
    "portal.changes.tasks.*": {"queue": "looks"},
}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 3,
    "socket_timeout": 10,
    "visibility_timeout": 3600,
    # who sends a message while Redis is away is told at once (by default after 6 s): the sweeper sends it again
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker outlives any absence of Redis
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "portal.beat:Steady"
CELERY_BEAT_SCHEDULE = {
    # a message that no worker took within its time is worth nothing: the next one says the same
    "sweep runs": {"task": "portal.runs.tasks.sweep", "schedule": 2.0, "options": {"expires": 10}},
    "look": {"task": "inventory.tasks.look", "schedule": 2.0},
    "prove": {"task": "inventory.tasks.prove", "schedule": 5.0},
    "expire looks": {"task": "inventory.tasks.expire_looks", "schedule": 5.0},
    "watch engines": {"task": "inventory.tasks.watch_engines", "schedule": 10.0},
    "sync engines": {"task": "inventory.tasks.sync_engines", "schedule": 60.0},
    "sync storage": {"task": "inventory.tasks.sync_engines", "schedule": 300.0, "kwargs": {"storage": True}},
    "backups": {"task": "backups.tasks.tick", "schedule": 5.0},
    "after backups": {"task": "backups.tasks.follow", "schedule": 20.0},
    "drills": {"task": "failover.tasks.tick", "schedule": 20.0},
    "maintenance": {"task": "failover.tasks.watch", "schedule": 5.0},
    "availability": {"task": "failover.tasks.judge_availability", "schedule": 5.0},
    "notices": {"task": "failover.tasks.notify", "schedule": 10.0},
    "reports": {"task": "failover.tasks.report", "schedule": 20.0},
    "mail": {"task": "portal.outbox.tasks.send", "schedule": 10.0},
    "alerts": {"task": "portal.alerts.tasks.look", "schedule": 5.0},
    "prune alerts": {"task": "portal.alerts.tasks.prune", "schedule": 3600.0},
    "messages": {"task": "portal.outbox.tasks.deliver", "schedule": 5.0},
    "changes": {"task": "portal.changes.tasks.look", "schedule": 5.0},
    "change notes": {"task": "failover.tasks.note_changes", "schedule": 5.0},
    "write back": {"task": "portal.changes.tasks.deliver", "schedule": 5.0},
    "prune callbacks": {"task": "portal.changes.tasks.prune", "schedule": 3600.0},
    "heartbeats": {"task": "backups.tasks.send_heartbeats", "schedule": 5.0},
    # hourly, so that a beat which is restarted every day comes to it, too
    "prune history": {"task": "inventory.tasks.prune_history", "schedule": 3600.0},
}

REST_FRAMEWORK, SPECTACULAR_SETTINGS = settings_api.REST_FRAMEWORK, settings_api.SPECTACULAR_SETTINGS

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = not DEMO
CSRF_COOKIE_SECURE = not DEMO
CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = envbool("SSL_REDIRECT", not DEMO)
SECURE_HSTS_SECONDS = 0 if DEMO else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not DEMO
SECURE_HSTS_PRELOAD = not DEMO
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if envbool("BEHIND_PROXY", False) else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "portal.access.request_id.InLogs"}},
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["request"]}},
    "root": {"handlers": ["stderr"], "level": envstr("LOG_LEVEL", "INFO")},
    # paramiko logs every negotiated channel at INFO, WeasyPrint every page; their warnings still come through.
    "loggers": {name: {"level": "WARNING"} for name in ("paramiko", "axes", "weasyprint", "fontTools")},
}
