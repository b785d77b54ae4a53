"""How the tables of a ledger came to be, one step a file of `versions/`, carried out by Alembic.

May go in here: bringing a database to the newest revision. May not: what any step does.
"""

import logging
from pathlib import Path

from sqlalchemy import Connection

from cmp.ledger.schema import REVISION


def migrate(connection: Connection, found: str | None) -> None:
    """Makes or brings on the tables, inside the open transaction. `found` is what `schema.version_of` says.

    Raises what the database raises, and ValueError for a ledger that is not whole: nothing is carried over from one.
    """
    # Only who migrates needs Alembic, and it takes its time to import.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    if found == "0001" and not connection.dialect.has_table(connection, "ledger_version"):
        command.stamp(config, "0001")
    command.upgrade(config, REVISION)
