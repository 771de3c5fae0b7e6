import { type Actor, type Role, roles } from '../core/actor.ts';
import { isRefusal, type Refusal } from '../core/refusal.ts';
import type { Office } from '../flows/office.ts';
import { Misuse } from './arguments.ts';

/** What a verb prints with. */
export interface Out {
  readonly json: boolean;
  line(text: string): void;
  /** The one JSON document; ignored without --json. */
  document(value: unknown): void;
}

/** A verb that works in the office. It answers its exit code. */
export interface OfficeVerb {
  readonly usage: string;
  run(office: Office, actor: Actor, words: readonly string[], out: Out): Promise<number>;
}

/** Verbs act as the account that runs them; making people or tokens this way is recorded. */
export function cliActor(user: string): Actor {
  return { id: `cli:${user}`, kind: 'cli', role: 'admin', approval: null };
}

/** Print a refusal; exit code 1. */
export function printRefusal(out: Out, refusal: Refusal): number {
  if (out.json)
    out.document({
      refused: { code: refusal.code, detail: refusal.detail, facts: refusal.facts, errors: refusal.errors },
    });
  else {
    out.line(`Refused (${refusal.code}): ${refusal.detail}`);
    for (const { pointer, detail } of refusal.errors) out.line(`  ${pointer}: ${detail}`);
  }
  return 1;
}

/** Print what a flow answered: its refusal, or the value in both forms. */
export function printOutcome<T>(
  out: Out,
  outcome: T | Refusal,
  lines: (value: T) => readonly string[],
  document: (value: T) => unknown = (value) => value,
): number {
  if (isRefusal(outcome)) return printRefusal(out, outcome);
  if (out.json) out.document(document(outcome));
  else for (const line of lines(outcome)) out.line(line);
  return 0;
}

export function parseRole(text: string): Role {
  const role = roles.find((known) => known === text);
  if (!role) throw new Misuse(`"${text}" is not a role. Write one of ${roles.join(', ')}.`);
  return role;
}
