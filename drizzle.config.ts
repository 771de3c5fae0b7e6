import { defineConfig } from 'drizzle-kit';

// `npm run migrations -- --name what-it-does` compares schema.ts with the last snapshot and adds one file. Migrations
// are added, never edited; what drizzle cannot say (triggers, functions) is added by hand with `--custom`.
export default defineConfig({
  dialect: 'postgresql',
  schema: './src/db/schema.ts',
  out: './src/db/migrations',
});
