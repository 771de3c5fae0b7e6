-- Where the service's role does not own these tables it may neither write ledger_entries nor delete from ledger_pending;
-- the sequencer's function does both in the owner's name. A function that runs with more rights than its caller must not
-- find anything by its caller's search_path: temporary objects come last, and nobody but the owner may create in public.
ALTER FUNCTION sequence_entries(integer) SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION sequence_entries(integer) FROM PUBLIC;
--> statement-breakpoint
ALTER FUNCTION refuse_change() SET search_path = pg_catalog, pg_temp;
--> statement-breakpoint
ALTER FUNCTION refuse_shrinking_tile() SET search_path = pg_catalog, pg_temp;
--> statement-breakpoint
ALTER FUNCTION refuse_losing_pending() SET search_path = pg_catalog, pg_temp;
--> statement-breakpoint
ALTER FUNCTION refuse_unsequenced() SET search_path = pg_catalog, pg_temp;
