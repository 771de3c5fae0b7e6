import { type Actor, systemActor } from '../core/actor.ts';
import { sha256Hex } from '../core/hash.ts';
import { makeId } from '../core/ids.ts';
import { personal } from '../core/personal.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { isSigned } from '../db/coverages.ts';
import { loadDemand } from '../db/demands.ts';
import { allEpochs, knownEpoch, loadHold, openHolds, openPlacements, rememberEpoch } from '../db/holds.ts';
import { withLock } from '../db/locks.ts';
import { linkDemand } from '../demands/demand.ts';
import {
  type Coverage,
  decideHold,
  decidePlacement,
  type Hold,
  type Placement,
  refuseReviewDay,
} from '../disposition/hold.ts';
import { checkScope, type HoldScope, scopeDigest, type WrittenHoldScope } from '../policy/hold.ts';
import { errorCode } from '../sources/fault.ts';
import type { RecordSource } from '../sources/source.ts';
import { mayOf } from './export-access.ts';
import { matterFor } from './matters.ts';
import { carryOut, type Office } from './office.ts';
import { reconcileHold } from './reconcile-hold.ts';
import { liftHold } from './release-hold.ts';
import { today } from './review-hold.ts';

export interface HoldOrder {
  /** A matter's id, reference or name. */
  readonly matter: string;
  readonly reason: string;
  readonly scope: WrittenHoldScope;
  readonly demandId: string | null;
  readonly requestId: string | null;
  /** The day on which somebody is to look at it again; absent or null: it is open-ended. */
  readonly reviewOn?: string | null;
}

/**
 * Place a legal hold. It is written down as pending first, and with the demand that opened it, then put in place in
 * every source; the answer says whether all of them have acknowledged it and what it covers.
 */
export async function placeHold(office: Office, actor: Actor, order: HoldOrder): Promise<Hold | Refusal> {
  const scope = checkScope(office.policy.dataMap, order.scope, office.policy.organization.zone, 'hold');
  if (isRefusal(scope)) return scope;
  const barred = order.demandId === null ? null : await barredFromDemand(office, actor, order.demandId);
  return barred ?? placeFor(office, actor, order);
}

/** The same without asking whether the actor may: of what the house itself has to hold. */
export async function placeFor(office: Office, actor: Actor, order: HoldOrder): Promise<Hold | Refusal> {
  const scope = checkScope(office.policy.dataMap, order.scope, office.policy.organization.zone, 'hold');
  if (isRefusal(scope)) return scope;
  const wrong = (await wrongKeys(office, scope)) ?? refuseReviewDay(order.reviewOn ?? null, today(office));
  if (wrong) return wrong;
  // The evidence of a request is no matter that somebody opens and closes.
  const matter = order.requestId === null ? await matterFor(office, actor, order.matter) : null;
  if (isRefusal(matter)) return matter;
  const now = office.now();
  const id = makeId('hold', now, office.random(10));
  await office.store.vault.newCase(id, now);
  const pending: Placement = { state: 'pending', code: null };
  const hold: Hold = {
    id,
    version: 0,
    caseId: id,
    matterId: matter?.id ?? null,
    reviewOn: order.reviewOn ?? null,
    state: 'pending',
    policy: office.policy.digest,
    placedAt: now,
    placedBy: actor.id,
    demandId: order.demandId,
    requestId: order.requestId,
    placements: Object.fromEntries(concerned(office, scope).map(({ name }) => [name, pending])),
    coverage: [],
    scopeDigest: scopeDigest(scope, await office.store.vault.caseKey(id)),
    releaseRequestedBy: null,
    releaseRequestedAt: null,
    releasedBy: null,
    releasedAt: null,
    matter: matter?.name ?? personal(order.matter),
    reason: personal(order.reason),
    scope: personal(scope),
    reviews: personal([]),
  };
  const placed = await carryOut(office, async () => {
    const decided = decideHold(hold);
    if (isRefusal(decided) || order.demandId === null) return { decided, result: hold };
    const demand = await loadDemand(office.store, order.demandId);
    if (!demand) return unknownDemand();
    const linked = linkDemand(demand, { hold: id }, actor, now);
    if (isRefusal(linked)) return linked;
    const state = [...decided.state, ...linked.state];
    return { decided: { ...decided, state, entries: [...decided.entries, ...linked.entries] }, result: hold };
  });
  if (isRefusal(placed)) return placed;
  return settleHold(office, id);
}

const unknownDemand = () => refuse('not_found', 'There is no such demand. No hold was placed.');

/** A hold that answers a demand is a move of the demand: for whom it is not there, it is not there here either. */
async function barredFromDemand(office: Office, actor: Actor, id: string): Promise<Refusal | null> {
  const may = mayOf(office, actor);
  if (!may('demands.read') || !(await loadDemand(office.store, id))) return unknownDemand();
  return may('demands.work')
    ? null
    : refuse('not_allowed', 'A hold for a demand is placed by who works on demands. No hold was placed.', {
        permission: 'demands.work',
      });
}

/** A source that cannot be asked now leaves the hold pending later; what it would have said wrong names no record. */
async function wrongKeys(office: Office, scope: HoldScope): Promise<Refusal | null> {
  const asked = concerned(office, scope).map((source) => source.wrongKeys(scope).catch(() => []));
  const errors = (await Promise.all(asked)).flat();
  const [first] = errors;
  return first ? refuse('invalid', `${first.detail} No hold was placed.`, {}, errors) : null;
}

/** The sources a scope can reach: those of the datasets it names, all of them when it names a person or a time only. */
export function concerned(office: Office, scope: HoldScope): readonly RecordSource[] {
  const named = [...scope.datasets, ...Object.keys(scope.keys)].map((dataset) =>
    dataset.slice(0, dataset.indexOf('.')),
  );
  const every = scope.datasets.length === 0 && (scope.subjects.length > 0 || named.length === 0);
  return [...office.sources.values()].filter(({ name }) => every || named.includes(name));
}

/**
 * Look again at every open hold, before what they cover is asked for: people and rows may have come since.
 * @returns why that is not known now: a source could not be asked, and its holds cover what they covered before
 */
export async function settleOpenHolds(office: Office): Promise<Refusal | null> {
  for (const { id } of await openHolds(office.store)) {
    const { hold, stale } = await settle(office, id);
    if (isRefusal(hold)) return hold;
    const [source] = stale;
    if (source)
      return refuse(
        'source_unreachable',
        `What hold ${id} covers in ${source} could not be looked up again. Nothing was destroyed; mend the source, and it is tried again.`,
        { hold: id, source },
      );
  }
  return null;
}

/** Why nothing may be erased from a source now: a hold that concerns it is not in place there yet. */
export async function pendingIn(office: Office, source: string): Promise<Refusal | null> {
  const pending = (await openPlacements(office.store)).find(
    ({ placements }) => placements[source]?.state === 'pending',
  );
  return pending
    ? refuse('hold_pending', `Hold ${pending.id} is not in place in ${source} yet. What was left stays until it is.`, {
        hold: pending.id,
        source,
      })
    : null;
}

/**
 * Put a hold in place wherever it is not yet, and look again where it is (a person may have joined another conversation
 * since). A source that cannot be reached leaves the hold pending, and the task tries again.
 */
export async function settleHold(office: Office, id: string): Promise<Hold | Refusal> {
  return (await settle(office, id)).hold;
}

/** @returns also the sources where it is in place and could not be looked at again: it covers what it covered before */
async function settle(office: Office, id: string): Promise<{ hold: Hold | Refusal; stale: readonly string[] }> {
  const before = await loadHold(office.store, id);
  if (!before) return { hold: refuse('not_found', 'There is no such hold.'), stale: [] };
  if (before.state === 'released') return { hold: before, stale: [] };
  const stale: string[] = [];
  const placements: Record<string, Placement> = {};
  const coverage: Coverage[] = [];
  for (const source of concerned(office, before.scope.reveal())) {
    try {
      const result = await placeIn(office, source, before);
      placements[source.name] = { state: 'placed', epoch: await agreeOnEpoch(office, source, result.epoch) };
      coverage.push(...result.coverage);
    } catch (error) {
      const was = before.placements[source.name];
      if (was?.state === 'placed') stale.push(source.name);
      placements[source.name] =
        was?.state === 'placed' ? was : { state: 'pending', code: errorCode(error) || 'unreachable' };
      coverage.push(...before.coverage.filter(({ dataset }) => dataset.startsWith(`${source.name}.`)));
    }
  }
  await office.keepsake.saveEpochs(await allEpochs(office.store));
  const root = sha256Hex(
    coverage
      .map(({ dataset, count, root }) => `${dataset} ${count} ${root}\n`)
      .sort()
      .join(''),
  );
  const outcome = await carryOut(office, async () => {
    const hold = await loadHold(office.store, id);
    if (!hold) return refuse('not_found', 'There is no such hold.');
    const decided = decidePlacement(hold, placements, coverage, root, office.now());
    const settled = isRefusal(decided) ? hold : (decided.state[0]?.hold ?? hold);
    return { decided, result: settled };
  });
  // Released while it was being placed: what was put in place a moment ago protects nobody any more.
  if (isRefusal(outcome)) await liftHold(office, id);
  else await signOnce(office, outcome);
  return { hold: outcome, stale };
}

/**
 * Sign what the hold covers as soon as it is in place. A hold protects also while that cannot be done: the next time it is
 * settled, and every night, it is tried again, and `doctor` says that it was not.
 */
async function signOnce(office: Office, { id, state }: Hold): Promise<void> {
  if (state === 'pending' || (await isSigned(office.store, id))) return;
  await reconcileHold(office, systemActor, id).catch(() => null);
}

/**
 * The epoch both sides go on from. A source that was restored counts from behind; once every hold that was in place
 * there is in place again, it is taken past the newest epoch known, and batches are taken again.
 */
async function agreeOnEpoch(office: Office, source: RecordSource, epoch: number): Promise<number> {
  const known = await knownEpoch(office.store, source.name);
  const there = epoch < known ? await source.holdsInPlace() : null;
  if (there === null) {
    await rememberEpoch(office.store, source.name, epoch);
    return epoch;
  }
  const open = await openPlacements(office.store);
  const isLost = open.some(({ id, placements }) => placements[source.name]?.state === 'placed' && !there.has(id));
  if (isLost) return epoch;
  await source.raiseEpoch(known + 1);
  await rememberEpoch(office.store, source.name, known + 1);
  return known + 1;
}

/** A store without locks of its own is locked here, so that no batch is between its look and its removal. */
async function placeIn(office: Office, source: RecordSource, hold: Hold) {
  const order = { id: hold.id, scope: hold.scope.reveal() };
  if (source.keepsHolds) return source.placeHold(order);
  const names = source.datasets.map((dataset) => `dataset:${dataset.id}`);
  return withLock(office.store.db, 'exclusive', names, 60, () => source.placeHold(order));
}
