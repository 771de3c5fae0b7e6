CREATE TABLE "matters" (
	"id" text PRIMARY KEY NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"reference" text NOT NULL,
	"case_id" text NOT NULL,
	"state" text NOT NULL,
	"opened_at" timestamp (3) with time zone NOT NULL,
	"opened_by" text NOT NULL,
	"closed_at" timestamp (3) with time zone,
	"closed_by" text,
	"sealed" "bytea" NOT NULL,
	CONSTRAINT "matters_reference_unique" UNIQUE("reference")
);
--> statement-breakpoint
ALTER TABLE "holds" ADD COLUMN "matter_id" text;--> statement-breakpoint
ALTER TABLE "holds" ADD COLUMN "review_on" text;--> statement-breakpoint
ALTER TABLE "holds" ADD CONSTRAINT "holds_matter_id_matters_id_fk" FOREIGN KEY ("matter_id") REFERENCES "public"."matters"("id") ON DELETE no action ON UPDATE no action;