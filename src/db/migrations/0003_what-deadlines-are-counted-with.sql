ALTER TABLE "demands" ADD COLUMN "issued_at" text;--> statement-breakpoint
ALTER TABLE "demands" ADD COLUMN "ordered_period" text;--> statement-breakpoint
ALTER TABLE "demands" ADD COLUMN "clock_events" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "appealed_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "refuse_by" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "requests" ADD COLUMN "frozen" jsonb DEFAULT '[]'::jsonb NOT NULL;