"""The database itself refuses what would break the chain: any change, and a record that is not the next link."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION evidence_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The evidence is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""

NEXT_LINK = """
CREATE FUNCTION evidence_next_link() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_number bigint := 0;
    last_sha256 text := repeat('0', 64);
BEGIN
    SELECT number, sha256 INTO last_number, last_sha256 FROM evidence_record ORDER BY number DESC LIMIT 1;
    IF NOT FOUND THEN
        last_number := 0;
        last_sha256 := repeat('0', 64);
    END IF;
    IF NEW.number <> last_number + 1 OR NEW.previous <> last_sha256 THEN
        RAISE EXCEPTION 'Record % is not the next link: the last one is %.', NEW.number, last_number
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER evidence_next_link BEFORE INSERT ON evidence_record
    FOR EACH ROW EXECUTE FUNCTION evidence_next_link();
"""

TABLES = ("evidence_record", "evidence_key", "evidence_signature")


def guards(table):
    return f"""
    CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION evidence_refuse();
    CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION evidence_refuse();
    """


def unguard(table):
    return f"DROP TRIGGER {table}_no_change ON {table}; DROP TRIGGER {table}_no_truncate ON {table};"


class Migration(migrations.Migration):
    dependencies = [("evidence", "0001_initial")]

    operations = [
        migrations.RunSQL(
            REFUSE + NEXT_LINK + "".join(guards(table) for table in TABLES),
            "DROP TRIGGER evidence_next_link ON evidence_record;"
            + "".join(unguard(table) for table in TABLES)
            + "DROP FUNCTION evidence_next_link(); DROP FUNCTION evidence_refuse();",
        ),
    ]
