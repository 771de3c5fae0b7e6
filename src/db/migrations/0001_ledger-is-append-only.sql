-- The ledger only grows. These triggers refuse UPDATE, DELETE and TRUNCATE to every role, the owner included; an owner
-- who drops a trigger leaves a ledger that no longer verifies against any checkpoint kept elsewhere.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only: % on % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
--> statement-breakpoint
CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE ON ledger_entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER ledger_entries_no_truncate BEFORE TRUNCATE ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER ledger_checkpoints_append_only BEFORE UPDATE OR DELETE ON ledger_checkpoints FOR EACH ROW EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER ledger_checkpoints_no_truncate BEFORE TRUNCATE ON ledger_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE FUNCTION refuse_shrinking_tile() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND length(NEW.hashes) > length(OLD.hashes)
     AND substring(NEW.hashes FROM 1 FOR length(OLD.hashes)) = OLD.hashes
     AND NEW.level = OLD.level AND NEW.index = OLD.index THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a hash tile only grows: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
--> statement-breakpoint
CREATE TRIGGER ledger_tiles_only_grow BEFORE UPDATE OR DELETE ON ledger_tiles FOR EACH ROW EXECUTE FUNCTION refuse_shrinking_tile();
--> statement-breakpoint
CREATE TRIGGER ledger_tiles_no_truncate BEFORE TRUNCATE ON ledger_tiles FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
-- What waits for its index may leave only by getting one: a pending row can be deleted only inside the sequencer's
-- function below, which has just written it as an entry.
CREATE FUNCTION refuse_losing_pending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('muniment.sequencing', true) = 'on' THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'a pending ledger entry is neither changed nor lost: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
--> statement-breakpoint
CREATE TRIGGER ledger_pending_kept BEFORE UPDATE OR DELETE ON ledger_pending FOR EACH ROW EXECUTE FUNCTION refuse_losing_pending();
--> statement-breakpoint
CREATE TRIGGER ledger_pending_no_truncate BEFORE TRUNCATE ON ledger_pending FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
-- Gives up to `most` waiting entries their gapless indices, in the order they were written, and answers the leaf
-- hashes (SHA-256 of 0x00 and the entry's bytes, RFC 6962 section 2.1) of the new entries in index order.
-- One caller at a time: the lock is taken first, in its own statement, by the caller (pg_advisory_xact_lock(7166)).
CREATE FUNCTION sequence_entries(most integer) RETURNS TABLE (first_index bigint, leaf_hashes bytea) LANGUAGE plpgsql AS $$
DECLARE
  base bigint;
BEGIN
  SELECT coalesce(max(index) + 1, 0) INTO base FROM ledger_entries;
  PERFORM set_config('muniment.sequencing', 'on', true);
  RETURN QUERY
  WITH gone AS (
    DELETE FROM ledger_pending WHERE id IN (SELECT p.id FROM ledger_pending p ORDER BY p.id LIMIT most) RETURNING id, kind, bytes
  ), numbered AS (
    SELECT base + row_number() OVER (ORDER BY gone.id) - 1 AS i, gone.kind AS k, gone.bytes AS b FROM gone
  ), added AS (
    INSERT INTO ledger_entries (index, kind, bytes, leaf_hash)
    SELECT i, k, b, sha256('\x00'::bytea || b) FROM numbered ORDER BY i
    RETURNING index, leaf_hash
  )
  SELECT base, coalesce(string_agg(leaf_hash, ''::bytea ORDER BY index), ''::bytea) FROM added;
  PERFORM set_config('muniment.sequencing', 'off', true);
END $$;
