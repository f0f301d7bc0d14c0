"""``python -m tests.faults.uploads``: kill server, worker and store while staff upload masters.

Staff upload to one server with one worker, whose files are in an S3 store. Their client repeats a request
that got no answer. In the end each master and each of its formats is there, whole and once.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import requests

from autonomy_core.catalog.services import create_product
from autonomy_core.cli.server_ini import read_ini
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.migrations import migrate
from autonomy_core.kernel.manager import Plugins
from autonomy_core.runtime import APPLICATION_ROLE, DATABASE_NAME, components, make_runtime
from autonomy_core.security import api_keys
from tests.faults.installation import quiet_port, wait_for, wait_until_none
from tests.support.forks import command
from tests.support.s3_server import s3_server
from tests.support.server_processes import processes
from tests.unit.media_mp3 import masters

SHOP = "harbour"
FORMATS = ("flac", "mp3_v0")
CONCURRENT = 6
AGAIN_AFTER_S = 0.3
FRAMES = 22_050
VICTIMS = ("server", "worker", "store")
BUCKET = "chaos"

SERVER_INI = """\
[app:main]
use = egg:autonomy-server
autonomy.tenants = %(here)s/tenants
autonomy.data = %(here)s/data
autonomy.log_format = json
sqlalchemy.url = {database}
"""
SHOP_INI = f"""\
[organisation]
name = Harbour
currency = eur
plugins = media_mp3

[media_mp3]
formats = {" ".join(FORMATS)}
"""

AT_WORK = (
    "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"
    " OR status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())"
)
DUE = "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo' AND scheduled_at > now()"
# `rescue` does it half a minute after the last heartbeat; its own tests wait for that.
TAKE_UP = "UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL WHERE status = 'doing'"
FAILED = "SELECT count(*) FROM media_mp3_renditions WHERE state = 'failed'"
UNFINISHED = "SELECT count(*) FROM media_mp3_renditions WHERE state <> 'ready'"
MARKS = ("media_mp3_unreferenced_files", "media_mp3_unreferenced_audio", "media_mp3_unreferenced_renditions")
A_MONTH_AGO = "UPDATE {} SET since = now() - interval '100 days', seen_at = now()"


class Studio:
    """An installation with one organisation: its processes, its database and its store."""

    def __init__(self, directory, running, store, database):
        self.directory, self.store = directory, store
        self.server = f"http://127.0.0.1:{quiet_port()}"
        self._commands = {
            "server": ("serve", "--port", self.server.rpartition(":")[2]),
            "worker": ("worker",),
        }
        self._running, self._lock = running, threading.Lock()
        self.database = database.url(DATABASE_NAME).replace("postgresql+psycopg", "postgresql")

    def set_up(self):
        """Start everything; gives the headers of the staff and the product that gets the tracks."""
        runtime = make_runtime(read_ini(self.directory / "server.ini"), Plugins.from_entry_points())
        try:
            runtime.tenants.reload()
            with runtime.transaction(runtime.tenants.get(SHOP)) as scope:
                _, key = api_keys.issue(scope, "faults", ("catalog.read", "catalog.write"), actor="tests")
                values = {"title": "Album", "description": "", "kind": "mp3", "amount": 900}
                product = create_product(scope, values, actor="tests")
        finally:
            runtime.close()
        for name in self._commands:
            self._running.start(name, *self._commands[name])
        path = f"{self.server}/{SHOP}/api/v1/admin/products/{product.id}/tracks"
        return {"Authorization": f"Bearer {key}"}, path

    def kill(self, victim):
        """Kill -9 a process with its children, and start it again, as a service manager does."""
        with self._lock:
            if victim == "store":
                self.store.kill()
                self.store.start()
            else:
                self._running.kill_one(victim)
                if victim == "worker":
                    self.do(TAKE_UP)
                self._running.start(victim, *self._commands[victim])

    def do(self, *statements):
        """Execute statements as the owner of the database."""
        with psycopg.connect(self.database) as connection:
            for statement in statements:
                connection.execute(statement)

    def count(self, statement):
        with psycopg.connect(self.database) as connection:
            return connection.execute(statement).fetchone()[0]

    def autonomy(self, *arguments):
        line = [*command(), "--config", self.directory / "server.ini", *arguments]
        return subprocess.run(line, capture_output=True, text=True, check=False)


@contextmanager
def studio(directory, store):
    """A `Studio` in a new directory, which leaves no process and no database behind."""
    # It is not killed, so it need not be durable.
    database = EmbeddedServer(data_dir=directory / "data" / "postgresql", fast=True)
    (directory / "tenants").mkdir(parents=True)
    (directory / "tenants" / f"{SHOP}.ini").write_text(SHOP_INI)
    ini = directory / "server.ini"
    os.environ.update(store.environment)
    try:
        database.ensure_running()
        database.create_database(DATABASE_NAME)
        url = database.url(DATABASE_NAME, APPLICATION_ROLE).replace("%", "%%")
        keys = "".join(f"{key} = {value}\n" for key, value in store.ini(BUCKET).items())
        ini.write_text(SERVER_INI.format(database=url) + keys)
        plugins = Plugins.from_entry_points()
        migrate(database.url(DATABASE_NAME), components(plugins), application_role=APPLICATION_ROLE)
        with processes(ini, **store.environment) as running:
            yield Studio(directory, running, store, database)
    finally:
        database.remove()


def master(number):
    """A short recording that no other number has."""
    chance = random.Random(number)
    pcm = array("h", [chance.randrange(-9000, 9000) for _ in range(FRAMES * 2)]).tobytes()
    return masters.wav_with(pcm)


def upload(path, headers, number, answers):
    """Upload a master until the server says that it is there."""
    content = master(number)

    def is_there():
        try:
            answer = requests.post(
                path, files={"file": (f"{number}.wav", content, "audio/wav")}, headers=headers, timeout=120
            )
        except requests.RequestException as error:
            answers[type(error).__name__] += 1
            time.sleep(AGAIN_AFTER_S)
            return False
        answers[answer.status_code] += 1
        assert answer.status_code in (201, 409, 502, 503, 504), answer.text
        if answer.status_code >= 500:
            time.sleep(AGAIN_AFTER_S)
        if answer.status_code == 409:
            assert answer.json()["code"] == "track_exists", answer.text
        return answer.status_code in (201, 409)

    wait_for(is_there, f"master {number}")


def run(studio, uploads, kills, seed):
    """Upload, kill, and let everything end; gives the answers, the kills and what does not hold."""
    headers, path = studio.set_up()
    answers, killed, chance = Counter(), Counter(), random.Random(seed)
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(kills)]
    chance.shuffle(victims)
    moments = sorted(chance.sample(range(1, uploads + 1), kills))
    done = threading.Semaphore(0)

    def one(number):
        upload(path, headers, number, answers)
        done.release()

    with ThreadPoolExecutor(CONCURRENT) as pool:
        working = [pool.submit(one, number) for number in range(uploads)]
        for before, moment, victim in zip([0, *moments], moments, victims, strict=False):
            for _ in range(moment - before):
                done.acquire()
            time.sleep(chance.random() / 2)
            studio.kill(victim)
            killed[victim] += 1
        for each in working:
            each.result()
    let_the_worker_finish(studio, path, headers)
    return answers, killed, violations(studio, path, headers, uploads)


def let_the_worker_finish(studio, path, headers):
    """Time passes for the jobs, and staff retry what was interrupted three times."""

    def unfinished():
        studio.do(DUE)
        if studio.count(FAILED):
            for track in requests.get(path, headers=headers, timeout=60).json()["items"]:
                requests.post(f"{path}/{track['id']}/formats/retry", headers=headers, timeout=60)
        return studio.count(UNFINISHED) + studio.count(AT_WORK)

    wait_until_none(unfinished, "the last format")


def violations(studio, path, headers, uploads):
    """What must hold in the end, and does not."""
    found = []
    listed = requests.get(f"{path}/formats", headers=headers, timeout=60).json()["items"]
    ready = Counter(each["state"] for each in listed)
    if ready != Counter(ready=uploads * len(FORMATS)):
        found.append(f"formats: {dict(ready)}")
    tracks = requests.get(path, headers=headers, timeout=60).json()["items"]
    if len({track["sha256"] for track in tracks}) != uploads or len(tracks) != uploads:
        found.append(f"{len(tracks)} tracks for {uploads} masters")
    studio.autonomy("files", "collect")
    studio.do(*(A_MONTH_AGO.format(table) for table in MARKS))
    collected = studio.autonomy("files", "collect")
    checked = studio.autonomy("files", "check", "--json")
    if collected.returncode or checked.returncode or json.loads(checked.stdout):
        found.append(f"files: {collected.stderr}{checked.stdout}{checked.stderr}")
    return found


def main():
    options = argparse.ArgumentParser(
        prog="python -m tests.faults.uploads", description=__doc__.split("\n")[0]
    )
    options.add_argument("--seed", default="1")
    options.add_argument("--uploads", type=int, default=200)
    options.add_argument("--kills", type=int, default=12)
    chosen = options.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="autonomy-uploads-") as name, suppress(KeyboardInterrupt):
        directory = Path(name)
        with s3_server(directory / "store") as store:
            store.make_bucket(BUCKET)
            with studio(directory / "studio", store) as own:
                answers, killed, found = run(own, chosen.uploads, chosen.kills, chosen.seed)
        row = (chosen.seed, chosen.uploads, *(killed[each] for each in VICTIMS), dict(answers))
        print(f"| {' | '.join(map(str, row))} | {time.monotonic() - began:.0f} s | {len(found)} |")
        sys.exit("\n".join(f"VIOLATION {each}" for each in found) or 0)
    sys.exit(1)


if __name__ == "__main__":
    main()
