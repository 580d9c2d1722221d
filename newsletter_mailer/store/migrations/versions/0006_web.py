"""The web application's tables, those of the office's work on its list, and the archive's."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
EMPTY = sa.text("''")


def upgrade() -> None:
    _web()
    _office()
    _archive()


def downgrade() -> None:
    # The index of words is made by the program, where an issue was put into the archive.
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE IF EXISTS archive_search")
    for table in (
        "archive_article",
        "archive_file",
        "archive_page",
        "archive_issue",
        "reconfirm_request",
        "agency_confirmed",
        "audience_seal",
        "erased_address",
        "leaving_reason",
        "audit",
        "tally",
        "notice",
        "preference",
        "consent",
        "signup",
    ):
        op.drop_table(table)


def _web() -> None:
    op.create_table(
        "signup",
        sa.Column("id", KEY, nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("tracking", sa.Boolean(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("mailed_at", TIME, nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signup")),
        sa.UniqueConstraint("email_key", name=op.f("uq_signup_email_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "consent",
        sa.Column("id", KEY, nullable=False),
        sa.Column("subscriber_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.CheckConstraint("kind IN ('newsletter', 'tracking')", name=op.f("ck_consent_kind")),
        _of_subscriber("consent"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_consent_subscriber_id_kind"), "consent", ["subscriber_id", "kind"], unique=False
    )
    op.create_table(
        "preference",
        sa.Column("subscriber_id", KEY, nullable=False),
        sa.Column("tracking", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("paused_until", TIME, nullable=True),
        sa.Column("seen_at", TIME, nullable=True),
        _of_subscriber("preference"),
        sa.PrimaryKeyConstraint("subscriber_id", name=op.f("pk_preference")),
    )
    op.create_table(
        "notice",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("taken_until", TIME, nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), server_default=EMPTY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_notice_due_at"), "notice", ["due_at"], unique=False)
    op.create_table(
        "tally",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_tally")),
    )
    op.create_table(
        "audit",
        sa.Column("id", KEY, nullable=False),
        sa.Column("subscriber_id", KEY, nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_subscriber_id"), "audit", ["subscriber_id"], unique=False)
    op.create_table(
        "leaving_reason",
        sa.Column("id", KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("campaign_id", KEY, nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leaving_reason")),
        sqlite_autoincrement=True,
    )


def _office() -> None:
    op.create_table(
        "erased_address",
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_erased_address")),
    )
    op.create_table(
        "audience_seal",
        sa.Column("id", KEY, nullable=False),
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("hash_before", sa.Text(), nullable=False),
        sa.Column("hash_after", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_audience_seal_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audience_seal")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_audience_seal_campaign_id"), "audience_seal", ["campaign_id"], unique=False
    )
    op.create_table(
        "agency_confirmed",
        sa.Column("subscriber_id", KEY, nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        _of_subscriber("agency_confirmed"),
        sa.PrimaryKeyConstraint("subscriber_id", name=op.f("pk_agency_confirmed")),
    )
    op.create_table(
        "reconfirm_request",
        sa.Column("subscriber_id", KEY, nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        _of_subscriber("reconfirm_request"),
        sa.PrimaryKeyConstraint("subscriber_id", name=op.f("pk_reconfirm_request")),
    )


def _archive() -> None:
    op.create_table(
        "archive_issue",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("issue", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("issued", sa.Text(), nullable=False),
        sa.Column("default_agency", sa.Text(), nullable=False),
        sa.Column("agencies", sa.JSON(), nullable=False),
        sa.Column("contents", sa.JSON(), nullable=False),
        _of_campaign("archive_issue"),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_archive_issue")),
    )
    op.create_index(op.f("ix_archive_issue_issue"), "archive_issue", ["issue"])
    op.create_table(
        "archive_page",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("canonical", sa.Text(), nullable=False),
        sa.Column("html", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        _of_campaign("archive_page"),
        sa.PrimaryKeyConstraint("campaign_id", "agency", name=op.f("pk_archive_page")),
    )
    op.create_table(
        "archive_file",
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        _of_campaign("archive_file"),
        sa.PrimaryKeyConstraint("campaign_id", "path", name=op.f("pk_archive_file")),
    )
    op.create_table(
        "archive_article",
        sa.Column("id", KEY, nullable=False),
        sa.Column("campaign_id", KEY, nullable=False),
        sa.Column("anchor", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        _of_campaign("archive_article"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_article")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_archive_article_campaign_id_anchor"), "archive_article", ["campaign_id", "anchor"]
    )


def _of_campaign(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["campaign_id"], ["campaign.id"], name=op.f(f"fk_{table}_campaign_id")
    )


def _of_subscriber(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["subscriber_id"],
        ["subscriber.id"],
        name=op.f(f"fk_{table}_subscriber_id"),
        ondelete="CASCADE",
    )
