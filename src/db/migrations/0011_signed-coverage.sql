CREATE TABLE "hold_coverages" (
	"id" text PRIMARY KEY NOT NULL,
	"hold_id" text NOT NULL,
	"case_id" text NOT NULL,
	"seq" integer NOT NULL,
	"taken_at" timestamp (3) with time zone NOT NULL,
	"checked_at" timestamp (3) with time zone NOT NULL,
	"records" bigint NOT NULL,
	"statement" text NOT NULL,
	"jws" text NOT NULL,
	"blob_id" text NOT NULL,
	"since" jsonb,
	"sealed" "bytea" NOT NULL
);
--> statement-breakpoint
ALTER TABLE "disposition_batches" ADD COLUMN "keys" "bytea" DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "hold_coverages" ADD CONSTRAINT "hold_coverages_hold_id_holds_id_fk" FOREIGN KEY ("hold_id") REFERENCES "public"."holds"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "hold_coverages_of_hold" ON "hold_coverages" USING btree ("hold_id","seq");