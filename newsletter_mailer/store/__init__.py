"""The database: tables, migrations, and opening it."""
