import type { Actor } from '../core/actor.ts';
import { makeId, makeReference } from '../core/ids.ts';
import { personal } from '../core/personal.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { holdsOfMatter } from '../db/holds.ts';
import { withLock } from '../db/locks.ts';
import { listMatters, loadMatter, matterByReference, openMatterNamed } from '../db/matters.ts';
import type { Hold } from '../disposition/hold.ts';
import { decideClose, decideMatter, decideReopen, type Matter } from '../disposition/matter.ts';
import type { Page } from './look-up.ts';
import { carryOut, type Office } from './office.ts';
import { keptUntil } from './release-hold.ts';

const unknown = () => refuse('not_found', 'There is no such matter.');

export const mattersPage = (office: Office, { limit, offset }: Page) => listMatters(office.store, limit, offset);

/** A matter with its holds, newest first. */
export async function lookUpMatter(
  office: Office,
  id: string,
): Promise<{ matter: Matter; holds: readonly Hold[] } | Refusal> {
  const matter = await loadMatter(office.store, id);
  return matter ? { matter, holds: await holdsOfMatter(office.store, id) } : unknown();
}

export interface MatterOrder {
  readonly name: string;
  readonly docket: string | null;
}

/** Open a matter. */
export async function openMatter(office: Office, actor: Actor, order: MatterOrder): Promise<Matter | Refusal> {
  const now = office.now();
  const id = makeId('matter', now, office.random(10));
  await office.store.vault.newCase(id, now);
  const matter: Matter = {
    id,
    version: 0,
    reference: makeReference('M', office.random(5)),
    caseId: id,
    state: 'open',
    openedAt: now,
    openedBy: actor.id,
    closedAt: null,
    closedBy: null,
    name: personal(order.name),
    docket: personal(order.docket),
  };
  return carryOut(office, async () => ({ decided: decideMatter(matter), result: { ...matter, version: 1 } }));
}

const isReference = (text: string) => /^M-[0-9A-Z]{4}-[0-9A-Z]{4}$/.test(text);
const isId = (text: string) => /^mat_[0-9a-z]{26}$/.test(text);

/**
 * The matter that somebody means by its id, its reference or its name. A name that no open matter has opens one.
 * Two who write the same new name at the same moment get the same matter.
 */
export async function matterFor(office: Office, actor: Actor, written: string): Promise<Matter | Refusal> {
  const text = written.trim();
  if (!isReference(text) && !isId(text))
    return withLock(
      office.store.db,
      'exclusive',
      ['matters'],
      60,
      async () =>
        (await openMatterNamed(office.store, text)) ?? openMatter(office, actor, { name: text, docket: null }),
    );
  const named = isId(text) ? await loadMatter(office.store, text) : await matterByReference(office.store, text);
  if (!named) return refuse('not_found', `There is no matter ${text}. Nothing was changed.`);
  if (named.state === 'open') return named;
  return refuse(
    'move_not_allowed',
    `The matter ${named.reference} is closed. Open it again first; nothing was changed.`,
    {
      matter: named.id,
    },
  );
}

/**
 * Close a matter: the release of each of its holds is asked for, in the same commit, and none is released.
 * @returns also the holds that a legal demand still keeps
 */
export async function closeMatter(
  office: Office,
  actor: Actor,
  id: string,
): Promise<{ matter: Matter; kept: readonly string[] } | Refusal> {
  return carryOut(office, async () => {
    const matter = await loadMatter(office.store, id);
    if (!matter) return unknown();
    const holds = await holdsOfMatter(office.store, id);
    const kept = new Set<string>();
    for (const hold of holds) if (hold.state !== 'released' && (await keptUntil(office, hold))) kept.add(hold.id);
    const decided = decideClose(matter, holds, kept, actor, office.now());
    return { decided, result: { matter: changed(decided) ?? matter, kept: [...kept] } };
  });
}

/** Open a closed matter again. */
export async function reopenMatter(office: Office, actor: Actor, id: string): Promise<Matter | Refusal> {
  return carryOut(office, async () => {
    const matter = await loadMatter(office.store, id);
    if (!matter) return unknown();
    const decided = decideReopen(matter, actor, office.now());
    return { decided, result: changed(decided) ?? matter };
  });
}

function changed(decided: ReturnType<typeof decideClose>): Matter | null {
  if (isRefusal(decided)) return null;
  return decided.state.flatMap((change) => (change.kind === 'matter' ? [change.matter] : []))[0] ?? null;
}
