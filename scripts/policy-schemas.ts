// Writes policies/schema/*.json, the JSON Schemas that editors check the policy files with. A test fails when they are
// not what this writes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { policyJsonSchemas } from '../src/policy/json-schema.ts';

const folder = new URL('../policies/schema/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [name, schema] of Object.entries(policyJsonSchemas()))
  writeFileSync(new URL(name, folder), `${JSON.stringify(schema, null, 2)}\n`);
