-- An entry written past the sequencer would have no leaf in the tree, and the next index would follow it.
CREATE FUNCTION refuse_unsequenced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('muniment.sequencing', true) = 'on' THEN RETURN NULL; END IF;
  RAISE EXCEPTION 'a ledger entry gets its index from the sequencer only: INSERT is refused' USING ERRCODE = 'insufficient_privilege';
END $$;
--> statement-breakpoint
CREATE TRIGGER ledger_entries_sequenced BEFORE INSERT ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_unsequenced();
