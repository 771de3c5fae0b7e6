import { inspect } from 'node:util';
import pino from 'pino';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { canonicalJson, type Json } from '../../src/core/canonical-json.ts';
import { type Personal, personal } from '../../src/core/personal.ts';
import type { Task } from '../../src/ledger/decision.ts';
import { entry } from '../../src/ledger/entry.ts';

const name: Personal<string> = personal('Jill Customer');
const now = Temporal.Instant.from('2026-11-27T00:00:00Z');
const takesText = (text: string) => text;

// Each `@ts-expect-error` is a test that `npm run check` runs: the line below it must not compile.
describe('Personal<T>', () => {
  it('cannot be used where the types ask for what it wraps', () => {
    expectTypeOf(name).not.toExtend<string>();
    expectTypeOf(name).not.toExtend<Json>();
    expectTypeOf<string>().not.toExtend<Personal<string>>();
    expectTypeOf(name.reveal()).toEqualTypeOf<string>();
    expectTypeOf(name.map((text) => text.length)).toEqualTypeOf<Personal<number>>();
    // @ts-expect-error a Personal is no text
    takesText(name);
    // @ts-expect-error it has no way into canonical JSON, which is what is hashed and signed
    expect(() => canonicalJson({ name })).not.toThrow(/Jill/);
  });

  it('cannot stand in a ledger entry or a task', () => {
    // @ts-expect-error a fact of the ledger is an id, a digest, a count, a code or a date
    const made = entry('hold.placed', now, 'act_1', { hold: name, scope: '', state: 'active', records: 0, root: '' });
    expect(JSON.stringify(made)).not.toContain('Jill');
    // @ts-expect-error nor is an actor a name
    expect(JSON.stringify(entry('run.approved', now, name, { run: 'run_1' }))).not.toContain('Jill');
    // @ts-expect-error a task carries ids
    const task: Task = { name: 'send-notice', key: 'k', payload: { to: name } };
    expect(JSON.stringify(task)).not.toContain('Jill');
  });

  it('gives nothing away however it is printed', () => {
    // The linter refuses a Personal in a template; this is who gets around it.
    const careless = name as unknown as string;
    const lines: string[] = [];
    const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
    log.info({ name, deep: { list: [name] } }, `asked by ${careless}`);
    const error = new Error(`no such person: ${careless}`, { cause: name });
    const printed = [
      String(name),
      `${careless}`,
      JSON.stringify({ name, list: [name] }),
      inspect({ name }, { depth: 9, showHidden: true }),
      inspect(error),
      new URLSearchParams({ q: String(name) }).toString(),
      Object.entries(name).join(),
      JSON.stringify(structuredCloneOrNull(name)),
      ...lines,
    ];
    for (const text of printed) expect(text).not.toMatch(/Jill|Customer/);
    expect(name.reveal()).toBe('Jill Customer');
  });
});

function structuredCloneOrNull(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return null;
  }
}
