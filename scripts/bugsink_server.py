"""Serves Bugsink until its input ends. `scripts/bugsink` installs it, starts this, and says how both are used."""

import argparse
import atexit
import os
import pathlib
import random
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading

PLENTY = 10**9
DATABASES = {"default": "db.sqlite3", "snappea": "snappea.sqlite3"}


def main():
    match sys.argv[1:]:
        case ["migrate", folder]:
            migrate(pathlib.Path(folder))
        case ["serve", *arguments]:
            serve(arguments)


def migrate(folder):
    """Makes databases without a project: every table that they shall have, which takes many times as long as to copy
    them."""
    folder.mkdir()
    configure(folder, port=0, quota=PLENTY)
    from django.core.management import call_command

    for name in DATABASES:
        call_command("migrate", verbosity=0, database=name)


def serve(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bugsink serve", add_help=False)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--quota", type=int, default=PLENTY)
    parser.add_argument("names", nargs="+", metavar="NAME")
    arguments = parser.parse_args(arguments)

    data = arguments.data or temporary()
    data.mkdir(parents=True, exist_ok=True)
    data = data.resolve()
    for database in DATABASES.values():
        if not (data / database).exists():
            shutil.copy(pathlib.Path(sys.prefix) / "empty" / database, data / database)
    file = data / "port"
    if not file.exists():
        file.write_text(str(free_port()))
    port = int(file.read_text())
    configure(data, port, arguments.quota)
    dsns = [dsn(name) for name in arguments.names]

    def ready(_):
        for line in zip(arguments.names, dsns):
            print(*line)
        print("data", data, flush=True)

    run(data, port, ready)


def temporary():
    """A folder that goes when this process ends; gunicorn's other process ends here too, and leaves it."""
    folder, owner = pathlib.Path(tempfile.mkdtemp(prefix="bugsink-")), os.getpid()
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(folder, ignore_errors=True))
    return folder


def free_port():
    """A port below those that the kernel lends to clients: one that tries to reach a server which is just down could be
    lent its port, and would then talk to itself."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def configure(data, port, quota):
    """Bugsink's own defaults, but for what a test needs."""
    import django
    from bugsink.settings import default
    from django.conf import settings

    values = {name: value for name, value in vars(default).items() if name.isupper()}
    for name, file in DATABASES.items():
        values["DATABASES"][name]["NAME"] = data / file
        # A machine busy with other tests is slow, and this one need not survive a power cut.
        values["DATABASES"][name]["OPTIONS"] = {
            "query_timeout": 60,
            "timeout": 60,
            "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF",
        }
    settings.configure(
        **values | {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "TIME_ZONE": "UTC",
            "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
            # An event is in the database before it is answered.
            "SNAPPEA": {"TASK_ALWAYS_EAGER": True, "WAKEUP_CALLS_DIR": str(data / "wakeup")},
            "BUGSINK": {
                "BASE_URL": f"http://127.0.0.1:{port}",
                "SINGLE_USER": True,
                "PHONEHOME": False,
                "INGEST_STORE_BASE_DIR": str(data / "ingestion"),
                "VALIDATE_ON_DIGEST": "strict",
                "MAX_EVENTS_PER_PROJECT_PER_5_MINUTES": quota,
                "MAX_EVENTS_PER_PROJECT_PER_HOUR": PLENTY,
                "MAX_EVENTS_PER_PROJECT_PER_MONTH": PLENTY,
                "MAX_EVENTS_PER_5_MINUTES": PLENTY,
                "MAX_EVENTS_PER_HOUR": PLENTY,
                "MAX_EVENTS_PER_MONTH": PLENTY,
            },
        })
    django.setup(set_prefix=False)


def dsn(name):
    """The DSN of the project of that name, which is made if there is none."""
    from django.db import connections
    from projects.models import Project

    settings = {
        "retention_max_event_count": PLENTY,
        "alert_on_new_issue": False,
        "alert_on_regression": False,
        "alert_on_unmute": False,
    }
    project, _ = Project.objects.get_or_create(name=name, defaults=settings)
    # gunicorn's processes must not share what is open here.
    connections.close_all()
    return project.dsn


def run(data, port, ready):
    """Runs gunicorn in this process, with one other that answers: SQLite's writers take turns within a process."""
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):
        def load_config(self):
            options = {
                "bind": f"127.0.0.1:{port}",
                "workers": 1,
                "threads": 8,
                "timeout": 120,
                "graceful_timeout": 2,
                "accesslog": str(data / "access.log"),
                "errorlog": "-",
                "preload_app": True,
                "when_ready": ready,
                "post_worker_init": lambda worker: end_with_input(),
            }
            # By default it would keep a socket in the home folder, shared by all that run.
            if "control_socket_disable" in self.cfg.settings:
                options["control_socket_disable"] = True
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self):
            from bugsink.wsgi import application

            return application

    sys.stderr.flush()
    log = os.open(data / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 2)
    Server().run()


def end_with_input():
    """Whoever started this holds the other end of its input, and lets go of it even when killed."""

    def wait():
        while sys.stdin.buffer.read(1):
            pass
        os.kill(os.getppid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


main()
