import { z } from 'zod';
import { policySchemas } from './set.ts';

/**
 * The JSON Schema (draft 7, what editors read best) of every policy file, by the name it has in policies/schema.
 * They describe what is written, before any default. What only a second look at the whole set can tell (a link to a
 * dataset that is not there) is left to `policy check`.
 */
export function policyJsonSchemas(): Readonly<Record<string, object>> {
  return Object.fromEntries(
    Object.entries(policySchemas).map(([file, schema]) => [
      file.replace(/\.yaml$/, '.schema.json'),
      z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any', reused: 'inline' }),
    ]),
  );
}
