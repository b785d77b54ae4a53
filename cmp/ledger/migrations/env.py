"""What Alembic runs: the migrations, on the connection it is given and inside that connection's transaction.

May go in here: that. May not: making connections.
"""

from alembic import context

from cmp.ledger.schema import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
