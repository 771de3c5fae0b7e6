CREATE TABLE "accounts" (
	"id" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"account_id" text NOT NULL,
	"provider_id" text NOT NULL,
	"access_token" text,
	"refresh_token" text,
	"id_token" text,
	"access_token_expires_at" timestamp (3) with time zone,
	"refresh_token_expires_at" timestamp (3) with time zone,
	"scope" text,
	"password" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "disposition_batches" (
	"id" text PRIMARY KEY NOT NULL,
	"run_id" text,
	"request_id" text,
	"dataset" text NOT NULL,
	"seq" integer NOT NULL,
	"count" bigint NOT NULL,
	"root" "bytea" NOT NULL,
	"leaves" "bytea" NOT NULL,
	"cutoff" timestamp (3) with time zone,
	"epoch" bigint NOT NULL,
	"way" text NOT NULL,
	"destroyed_at" timestamp (3) with time zone NOT NULL,
	"copied_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "bells" (
	"name" text NOT NULL,
	"slot" text NOT NULL,
	"claimed_at" timestamp (3) with time zone NOT NULL,
	"run_id" text,
	"done_at" timestamp (3) with time zone,
	CONSTRAINT "bells_name_slot_pk" PRIMARY KEY("name","slot")
);
--> statement-breakpoint
CREATE TABLE "blobs" (
	"id" text PRIMARY KEY NOT NULL,
	"case_id" text NOT NULL,
	"sha256" text NOT NULL,
	"size_bytes" bigint NOT NULL,
	"media_type" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"removed_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "case_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"wrapped" "bytea",
	"master_version" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"destroyed_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "demands" (
	"id" text PRIMARY KEY NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"reference" text NOT NULL,
	"case_id" text NOT NULL,
	"type" text NOT NULL,
	"state" text NOT NULL,
	"received_at" timestamp (3) with time zone NOT NULL,
	"due_at" timestamp (3) with time zone,
	"emergency" boolean DEFAULT false NOT NULL,
	"policy" text NOT NULL,
	"history" jsonb NOT NULL,
	"documents" jsonb NOT NULL,
	"hold_ids" jsonb NOT NULL,
	"export_ids" jsonb NOT NULL,
	"sealed" "bytea" NOT NULL,
	CONSTRAINT "demands_reference_unique" UNIQUE("reference")
);
--> statement-breakpoint
CREATE TABLE "exports" (
	"id" text PRIMARY KEY NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"case_id" text NOT NULL,
	"purpose" text NOT NULL,
	"state" text NOT NULL,
	"policy" text NOT NULL,
	"requested_at" timestamp (3) with time zone NOT NULL,
	"preparer" text NOT NULL,
	"approver" text,
	"demand_id" text,
	"request_id" text,
	"formats" jsonb NOT NULL,
	"timezone" text NOT NULL,
	"counts" jsonb,
	"progress" jsonb,
	"files" jsonb,
	"manifest_sha256" text,
	"package_blob" text,
	"package_sha256" text,
	"sealed_at" timestamp (3) with time zone,
	"refusal" jsonb,
	"sealed" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "grants" (
	"id" text PRIMARY KEY NOT NULL,
	"request_id" text NOT NULL,
	"kind" text NOT NULL,
	"secret_hash" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone,
	"attempts" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "hold_epochs" (
	"source" text PRIMARY KEY NOT NULL,
	"epoch" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "holds" (
	"id" text PRIMARY KEY NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"case_id" text NOT NULL,
	"state" text NOT NULL,
	"policy" text NOT NULL,
	"placed_at" timestamp (3) with time zone NOT NULL,
	"placed_by" text NOT NULL,
	"demand_id" text,
	"request_id" text,
	"placements" jsonb NOT NULL,
	"coverage" jsonb NOT NULL,
	"scope_digest" text NOT NULL,
	"release_requested_by" text,
	"release_requested_at" timestamp (3) with time zone,
	"released_by" text,
	"released_at" timestamp (3) with time zone,
	"sealed" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"actor" text NOT NULL,
	"key" text NOT NULL,
	"fingerprint" text NOT NULL,
	"status" integer,
	"body" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "idempotency_keys_actor_key_pk" PRIMARY KEY("actor","key")
);
--> statement-breakpoint
CREATE TABLE "disposition_intents" (
	"batch_id" text PRIMARY KEY NOT NULL,
	"run_id" text NOT NULL,
	"dataset" text NOT NULL,
	"seq" integer NOT NULL,
	"cutoff" timestamp (3) with time zone NOT NULL,
	"epoch" bigint NOT NULL,
	"items" jsonb NOT NULL,
	"intended_at" timestamp (3) with time zone NOT NULL,
	"confirmed_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "invitations" (
	"id" text PRIMARY KEY NOT NULL,
	"actor_id" text NOT NULL,
	"secret_hash" text NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone,
	CONSTRAINT "invitations_secret_hash_unique" UNIQUE("secret_hash")
);
--> statement-breakpoint
CREATE TABLE "keys" (
	"kid" text PRIMARY KEY NOT NULL,
	"purpose" text NOT NULL,
	"actor_id" text,
	"public_jwk" jsonb NOT NULL,
	"wrapped" "bytea",
	"certificate" text,
	"created_at" timestamp (3) with time zone NOT NULL,
	"retired_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "ledger_checkpoints" (
	"size" bigint PRIMARY KEY NOT NULL,
	"root" "bytea" NOT NULL,
	"note" text NOT NULL,
	"signed_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ledger_entries" (
	"index" bigint PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"bytes" "bytea" NOT NULL,
	"leaf_hash" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ledger_pending" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"bytes" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ledger_tiles" (
	"level" integer NOT NULL,
	"index" bigint NOT NULL,
	"hashes" "bytea" NOT NULL,
	CONSTRAINT "ledger_tiles_level_index_pk" PRIMARY KEY("level","index")
);
--> statement-breakpoint
CREATE TABLE "notices" (
	"id" text PRIMARY KEY NOT NULL,
	"case_id" text NOT NULL,
	"template" text NOT NULL,
	"key" text NOT NULL,
	"state" text NOT NULL,
	"queued_at" timestamp (3) with time zone NOT NULL,
	"sent_at" timestamp (3) with time zone,
	"attempts" integer DEFAULT 0 NOT NULL,
	"sealed" "bytea" NOT NULL,
	CONSTRAINT "notices_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "people" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"email" text,
	"email_verified" boolean DEFAULT false NOT NULL,
	"image" text,
	"role" text NOT NULL,
	"title" text,
	"disabled_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "policy_sets" (
	"digest" text PRIMARY KEY NOT NULL,
	"content" jsonb NOT NULL,
	"recorded_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "requests" (
	"id" text PRIMARY KEY NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"reference" text NOT NULL,
	"case_id" text NOT NULL,
	"type" text NOT NULL,
	"regime" text NOT NULL,
	"channel" text NOT NULL,
	"state" text NOT NULL,
	"outcome" text,
	"reason" text,
	"policy" text NOT NULL,
	"received_at" timestamp (3) with time zone NOT NULL,
	"due_at" timestamp (3) with time zone,
	"due_on" text,
	"clock" text NOT NULL,
	"subject" text NOT NULL,
	"history" jsonb NOT NULL,
	"clock_events" jsonb NOT NULL,
	"identity" jsonb NOT NULL,
	"findings" jsonb,
	"decision" jsonb,
	"receipt" jsonb,
	"export_id" text,
	"hold_id" text,
	"sealed" "bytea" NOT NULL,
	CONSTRAINT "requests_reference_unique" UNIQUE("reference")
);
--> statement-breakpoint
CREATE TABLE "disposition_run_parts" (
	"run_id" text NOT NULL,
	"rule" text NOT NULL,
	"rule_digest" text NOT NULL,
	"dataset" text NOT NULL,
	"state" text NOT NULL,
	"due" bigint NOT NULL,
	"held" bigint NOT NULL,
	"restricted" bigint NOT NULL,
	"total" bigint NOT NULL,
	"destroyed" bigint DEFAULT 0 NOT NULL,
	"batches" integer DEFAULT 0 NOT NULL,
	"held_by" jsonb NOT NULL,
	"refusal" jsonb,
	CONSTRAINT "disposition_run_parts_run_id_dataset_pk" PRIMARY KEY("run_id","dataset")
);
--> statement-breakpoint
CREATE TABLE "disposition_runs" (
	"id" text PRIMARY KEY NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"state" text NOT NULL,
	"dry_run" boolean NOT NULL,
	"policy" text NOT NULL,
	"planned_at" timestamp (3) with time zone NOT NULL,
	"started_by" text NOT NULL,
	"approved_by" text,
	"approval_reasons" jsonb NOT NULL,
	"finished_at" timestamp (3) with time zone,
	"cutoffs" jsonb NOT NULL,
	"refusal" jsonb,
	"certificate" jsonb,
	"run_key" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"token" text NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"ip_address" text,
	"user_agent" text,
	"stepped_up_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sessions_token_unique" UNIQUE("token")
);
--> statement-breakpoint
CREATE TABLE "settings" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"origin" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"last_run_at" timestamp (3) with time zone,
	CONSTRAINT "settings_one_row" CHECK ("settings"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"id" text PRIMARY KEY NOT NULL,
	"actor_id" text NOT NULL,
	"role" text NOT NULL,
	"secret_hash" text NOT NULL,
	"prefix" text NOT NULL,
	"can_approve" boolean DEFAULT false NOT NULL,
	"wrapped_key" "bytea",
	"key_id" text,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"last_used_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	CONSTRAINT "tokens_secret_hash_unique" UNIQUE("secret_hash")
);
--> statement-breakpoint
CREATE TABLE "verifications" (
	"id" text PRIMARY KEY NOT NULL,
	"identifier" text NOT NULL,
	"value" text NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_user_id_people_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "disposition_batches" ADD CONSTRAINT "disposition_batches_run_id_disposition_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."disposition_runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_actor_id_people_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "keys" ADD CONSTRAINT "keys_actor_id_people_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "disposition_run_parts" ADD CONSTRAINT "disposition_run_parts_run_id_disposition_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."disposition_runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_people_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tokens" ADD CONSTRAINT "tokens_actor_id_people_id_fk" FOREIGN KEY ("actor_id") REFERENCES "public"."people"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "batches_of_run" ON "disposition_batches" USING btree ("run_id","dataset","seq");--> statement-breakpoint
CREATE INDEX "batches_of_request" ON "disposition_batches" USING btree ("request_id");--> statement-breakpoint
CREATE INDEX "grants_of_request" ON "grants" USING btree ("request_id");--> statement-breakpoint
CREATE UNIQUE INDEX "grants_secret" ON "grants" USING btree ("secret_hash");--> statement-breakpoint
CREATE UNIQUE INDEX "people_email" ON "people" USING btree (lower("email"));--> statement-breakpoint
CREATE UNIQUE INDEX "people_name" ON "people" USING btree ("name");--> statement-breakpoint
CREATE INDEX "requests_due" ON "requests" USING btree ("state","due_at");--> statement-breakpoint
CREATE INDEX "runs_planned_at" ON "disposition_runs" USING btree ("planned_at");