"""The table of verbs: each row is a call of the package. A new `db` verb is one module, its SQL and one row here."""

from functools import partial

from cruddur_ops.cli import answers, options
from cruddur_ops.cli.groups import db, evidence, iam, main, rds, rehearse, security_group, targets, users
from cruddur_ops.cli.options import LOOK, STEP
from cruddur_ops.cli.verb import Verb

# fmt: off
TABLE = (
    Verb(db, "create", "database:plan_create", STEP, announced=True, help=
         "Create the database where it is missing, and label it with the name of the target."),
    Verb(db, "adopt", answers.adopt, (*LOOK, options.DATABASE, options.SCHEMA), announced=True, help="""\
         Label a database that others filled with the name of the target, so that the other verbs may change it.

         With --schema its tables, such as the bootcamp's, become those of sql/schema.sql, and keep their rows; without
         --confirm that is shown and nothing is changed."""),
    Verb(db, "roles", "database:plan_roles", STEP, announced=True, help=
         "Make the roles cruddur_app and cruddur_reader, and give back the rights that they lost."),
    Verb(db, "schema-load", "database:plan_schema", STEP, announced=True, help=
         "Load sql/schema.sql into an empty database."),
    Verb(db, "migrate", answers.migrate, (*STEP, options.REHEARSE), announced=True, help=
         "Apply the migrations that the database lacks; with --rehearse on a copy first, and only where that passes."),
    Verb(db, "rollback", "database.schema:plan_rollback", STEP, announced=True, help=
         "Undo the newest migration of the database."),
    Verb(db, "seed", answers.seed, (*STEP, *options.SEED), announced=True, help=
         "Bring the rows of sql/seed.sql to what the file says, or generate users and activities by the million."),
    Verb(db, "recover", "database.recovery:plan_recover", (*STEP, *options.RECOVER), announced=True, help="""\
         Bring back the rows of TABLE that a restored copy has, and the database lacks or has otherwise.

         What they refer to comes along where it is gone too, and so does what went with them. Such as:
         cruddur-ops db recover users --where "handle = 'londo'" --from rescue"""),
    Verb(db, "expire", "database.expire:plan_expire", (*STEP, options.BATCH), announced=True, verified=False, help=
         "Remove activities that have expired, while the feeds go on."),
    Verb(db, "kill-sessions", "database.sessions:plan_kill", (*STEP, options.IDLE), announced=True, help=
         "End the sessions that `sessions` lists; what they have not committed is rolled back."),
    Verb(db, "drop", "database.drop:plan_drop", (*LOOK, options.DATABASE, options.FORCE), announced=True, help=
         "Drop the database and all that is in it; refused while anybody is connected."),
    Verb(db, "status", "database:status", LOOK, help=
         "Show the server, the database, its schema, its size and how many use it."),
    Verb(db, "diagnose", answers.diagnose, (*LOOK, *options.DIAGNOSE), help="""\
         Show why the database can, or cannot, be reached: each step of a packet and a login, and what mends the first that fails.

         Nothing is changed. Exit code 0 if every step passed, else 1."""),
    Verb(db, "sessions", "database:sessions", LOOK, announced=True, help=
         "List everybody who is connected to the server, but you and AWS: who blocks whom, and since when."),
    Verb(db, "migration", answers.migration, options.MIGRATION, help="""\
         Write the next pair of files in sql/migrations/, called NAME; or `check` the newest, as CI should.

         The check fails where a large table would be read or written as a whole while others wait for it. A table of which nobody
         tells the rows is taken for large. Squawk's warnings are shown, and fail nothing."""),
    Verb(db, "setup", answers.setup, (*LOOK, options.FORCE), announced=True, help=
         "Drop the database and make it anew, with schema and seed; never on a protected target."),
    Verb(db, "connect", answers.connect, (*LOOK, options.FOR_PSQL), help="""\
         Run psql on the target; what follows -- goes to psql.

         Such as: cruddur-ops db connect -- -c 'SELECT now()'. The exit code is psql's."""),
    Verb(db, "env", answers.env, LOOK, help="""\
         Print the lines that let pgcli or an old script work on the target: eval "$(cruddur-ops db env)".

         The password stands in a file that only you can read, which PGPASSFILE names. RDS rotates the
         master password every seven days: evaluate the lines again then."""),
    Verb(db, "url", answers.url, (*LOOK, options.WITH_PASSWORD), help="""\
         Print the connection URL, for a container, a Lambda or a backend; without the password, unless you ask for it.

         A file that sslrootcert names has to be where the URL is used, too."""),
    Verb(db, "exec", answers.execute, (*LOOK, options.COMMAND), help="""\
         Run a program that uses libpq on the target, such as: cruddur-ops db exec -- pg_dump -Fc -f cruddur.dump

         Of several versions of pg_dump and its like the server's own is taken. The exit code is the program's."""),
    Verb(db, "wait", answers.wait, (*LOOK, options.TIMEOUT), help="""\
         Return once the server answers, whether or not it has the database yet.

         A refused login, a certificate that fails, an instance that is stopped or missing end the wait at
         once: none of them passes by itself."""),
    Verb(rds, "status", "rds:look", (*LOOK, options.LINES), help=
         "Show how the instance is: status, connections, storage, backups, certificate, maintenance, events, log."),
    Verb(rds, "diagnose", answers.diagnose_change, (*LOOK, *options.BLOCKED), help="""\
         Show why an upgrade, or a restore, does not come about: what RDS asks in turn, and what mends the first that fails.

         Nothing is changed. Exit code 0 if every step passed, else 1."""),
    Verb(rds, "logs", "rds.logs:tail", (*LOOK, options.LAST_LINES), help=
         "Show the last lines of PostgreSQL's log, passwords and e-mail addresses masked."),
    Verb(rds, "alarms", answers.alarms, STEP, help=
         "Make the CloudWatch alarms that an owner would want, where nobody has made them yet."),
    Verb(rds, "modify", answers.modify, (*STEP, *options.MODIFY), help=
         "Make the instance what the target asks for: class, storage, version, backups, protection, password, access, tags."),
    Verb(rds, "start", "rds:plan_start", STEP, help=
         "Start the instance, remove the schedule that would stop it anew, and wait until it is available."),
    Verb(rds, "stop", answers.stop, (*STEP, *options.STOP), help=
         "Stop the instance, and wait until it is stopped."),
    Verb(rds, "own-password", "rds:plan_own", STEP, help=
         "Keep the master password in a secret of our own, as read replicas need it."),
    Verb(rds, "managed-password", "rds:plan_managed", STEP, help=
         "Let RDS manage the master password again, and remove the secret of our own."),
    Verb(rds, "snapshot", "rds:plan_snapshot", (*STEP, options.NEW_SNAPSHOT), help=
         "Take a snapshot called NAME, and wait until it can be restored."),
    Verb(rds, "snapshots", answers.snapshots, LOOK, help=
         "List the snapshots of the instance, the newest last."),
    Verb(rds, "delete-snapshot", "rds.snapshots:plan_delete_snapshot", (*STEP, options.SNAPSHOT), help=
         "Remove the snapshot NAME for good."),
    Verb(rds, "restore", answers.restore, (*STEP, options.IDENTIFIER, *options.RESTORE), help=
         "Restore a snapshot or a moment as a new instance IDENTIFIER, and wait until it is as wanted."),
    Verb(rds, "switch-over", "rds:plan_switchover", (*STEP, options.INCOMING, options.KEEP_AS), help=
         "Give the instance INCOMING the name of the target's, and that another."),
    Verb(rds, "replica", "rds:plan_replica", (*STEP, options.IDENTIFIER), help=
         "Make a read replica IDENTIFIER, and wait until it answers."),
    Verb(rds, "promote", answers.promote, (*STEP, options.IDENTIFIER), help=
         "Make the read replica IDENTIFIER an instance of its own, as the target wants one."),
    Verb(rds, "delete", "rds.replicas:plan_delete", (*STEP, options.IDENTIFIER), help=
         "Delete the sibling instance IDENTIFIER (a restored one, or a replica) for good."),
    Verb(rds, "teardown", answers.teardown, (*STEP, options.LAST, options.USER_POOL), help=
         "Take everything away: Lambda, instance, secrets, log groups, schedule, security group; then list what is left."),
    Verb(rds, "leftovers", answers.leftovers, LOOK, help=
         "List what could bill, by tag and by the instance's name: whose it is, why it stays, and what removes the target's."),
    Verb(rehearse, "upgrade", partial(answers.rehearse, "Upgrade"), (*STEP, options.VERSION, *options.REHEARSAL), help=
         "Rehearse the upgrade to VERSION, such as 18 or 18.1."),
    Verb(rehearse, "migrations", partial(answers.rehearse, "Migrations"), (*STEP, *options.REHEARSAL), help=
         "Rehearse the migrations that the database lacks."),
    Verb(rehearse, "modify", partial(answers.rehearse, "Modification"), (*STEP, *options.MODIFICATION, *options.REHEARSAL), help=
         "Rehearse another class, or another type of storage."),
    Verb(rehearse, "script", partial(answers.rehearse, "Script"), (*STEP, options.FILE, *options.REHEARSAL), help=
         "Rehearse a file of SQL, run as a migration is."),
    Verb(security_group, "open", "network:plan_access", STEP, help=
         "Admit the operator's present address, and no older one."),
    Verb(iam, "policy", answers.policy, (*LOOK, options.NOTEBOOKS, options.BOUNDARY), help="""\
         Print the policy that allows what these NOTEBOOKs do on the target, as rehearsals have recorded it; by default all.

         One JSON document after another, as many as IAM's limit of their size asks for: what reads first, then what writes."""),
    Verb(users, "sync", "cognito:plan_sync", STEP, help=
         "Give every confirmed user of the pool a row with the values of the pool, and report the rest."),
    Verb(evidence, "verify", answers.verify, options.RUN, help=
         "Check that the folder of RUN (the last one by default) is as the run left it."),
    Verb(main, "runs", answers.list_runs, (options.TWO_RUNS,), help=
         "List the runs that left a folder, oldest first; or compare two of them."),
    Verb(main, "expired", answers.expired, (*LOOK, options.REGION), help=
         "List what is past its Expires tag, each with the command that removes it."),
    Verb(targets, "adopt", "rds.adoption:adopt", (options.IDENTIFIER, *options.ADOPT), help=
         "Write the section of a DB instance that exists: where and what it is, and each setting as a comment."),
)
# fmt: on
