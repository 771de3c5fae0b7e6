import { signDetached } from '../artifacts/jws.ts';
import { textSink } from '../artifacts/sink.ts';
import type { Actor } from '../core/actor.ts';
import { makeId } from '../core/ids.ts';
import { formatInstant } from '../core/instants.ts';
import { personal } from '../core/personal.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import { commit } from '../db/commit.ts';
import {
  addCoverage,
  coveragesOf,
  markChecked,
  newestCoverage,
  type SignedCoverage,
  sealMissing,
} from '../db/coverages.ts';
import { addBlob } from '../db/exports.ts';
import { loadHold } from '../db/holds.ts';
import { whileAlone } from '../db/locks.ts';
import {
  type CoverageStatement,
  type CoveredKey,
  compareLists,
  coverageRoot,
  type Reconciled,
  statementDigest,
  statementText,
} from '../disposition/coverage.ts';
import type { Coverage, Hold } from '../disposition/hold.ts';
import type { Alarm } from '../ledger/alarm.ts';
import { type Entry, entry } from '../ledger/entry.ts';
import { findDataset } from '../policy/data-map.ts';
import { sourceFault } from '../sources/fault.ts';
import { sourceOf } from '../sources/open.ts';
import type { RecordSource } from '../sources/source.ts';
import { keyText } from '../sources/sql/keys.ts';
import type { Office } from './office.ts';
import { takenByOrders } from './taken-keys.ts';

/** Missing keys that are listed; their number is exact, however many there are. */
const listed = 1000;

/** `compared`: with what was signed before; `signed`: for the first time; `busy`: somebody else is at it. */
type Comparison =
  | { readonly kind: 'compared'; readonly since: Reconciled }
  | { readonly kind: 'signed' | 'busy' | 'not_in_place' };

/**
 * Sign what a hold covers, once, when it is in place; from then on, compare the source with it. What is covered now and
 * was not before is new; what was covered and is not is looked for: it may have been changed so that the hold no longer
 * meets it, or be gone. Anything that changed is signed anew, each statement naming the one before.
 * @throws when a source cannot be asked now, or a list cannot be read: nothing was noted then
 */
export async function reconcileHold(office: Office, actor: Actor, id: string): Promise<Comparison> {
  const compared = await whileAlone(office.store.db, `coverage:${id}`, async (): Promise<Comparison> => {
    const hold = await loadHold(office.store, id);
    if (!hold || hold.state === 'released' || hold.state === 'pending') return { kind: 'not_in_place' };
    await inPlaceOrThrow(office, hold);
    const before = await newestCoverage(office.store, id);
    const now = office.now();
    const blob = makeId('blob', now, office.random(10));
    const key = await office.store.vault.caseKey(hold.caseId);
    const datasets: (Coverage & { keys: boolean })[] = countedOnly(office, hold);
    const found = new Found(office, before?.checkedAt ?? now);
    const stored = await office.blobs.fill(blob, key, async (sink) => {
      const out = textSink(sink);
      const present = listCovered(office, hold, (coverage) => datasets.push({ ...coverage, keys: true }), out);
      const old = before ? readKeys(office.blobs.read(before.blobId, key)) : none();
      for await (const { kind, covered } of compareLists(old, present))
        if (kind === 'missing') await found.miss(covered);
        else found.added += 1;
      await out.flush();
    });
    await found.settle();
    const since = before && found.result();
    if (before && since && isSame(since)) {
      await office.blobs.remove(blob);
      await noteChecked(office, actor, hold, before, since);
      return { kind: 'compared', since };
    }
    const statement: CoverageStatement = {
      statement: 'muniment coverage 1',
      organization: office.policy.organization.name,
      hold: id,
      scope: hold.scopeDigest,
      takenAt: formatInstant(now),
      datasets: datasets.toSorted((a, b) => (a.dataset < b.dataset ? -1 : 1)),
      since: before && since ? { statement: statementDigest(before.statement), ...since } : null,
    };
    const text = statementText(statement);
    const coverage: SignedCoverage = {
      id: makeId('coverage', now, office.random(10)),
      holdId: id,
      caseId: hold.caseId,
      seq: (before?.seq ?? 0) + 1,
      takenAt: now,
      checkedAt: now,
      records: datasets.reduce((sum, { count }) => sum + count, 0),
      statement: text,
      jws: await signDetached(Buffer.from(text), office.signers.seal.signer),
      blobId: blob,
      since,
      missing: personal({ vanished: found.vanished, moved: found.moved }),
    };
    const sealed = await sealMissing(office.store, coverage);
    const decision = {
      state: [],
      entries: entriesOf(coverage, actor, now),
      tasks: [],
      alarms: alarmsOf(coverage, now),
    };
    await commit(office.store, decision, async (tx) => {
      await addBlob(tx, {
        id: blob,
        caseId: hold.caseId,
        sha256: stored.sha256,
        sizeBytes: stored.bytes,
        mediaType: 'application/x-ndjson',
        createdAt: now,
      });
      await addCoverage(tx, coverage, sealed);
    });
    return since ? { kind: 'compared', since } : { kind: 'signed' };
  });
  return compared ?? { kind: 'busy' };
}

/** The same, asked for by somebody: refused, with the reason, where it cannot be done now. */
export async function compareNow(office: Office, actor: Actor, id: string): Promise<Comparison | Refusal> {
  if (!(await loadHold(office.store, id))) return refuse('not_found', 'There is no such hold.');
  try {
    const compared = await reconcileHold(office, actor, id);
    if (compared.kind === 'busy')
      return refuse('already_running', 'This hold is being compared at this moment. Look again in a minute.');
    if (compared.kind === 'not_in_place')
      return refuse('not_ready', 'This hold is not in place, so there is nothing to compare with its sources.');
    return compared;
  } catch (error) {
    if (error instanceof HoldNotInPlace)
      return refuse(
        'not_ready',
        'A source does not know this hold any more: it was restored. Nothing was noted; place the hold again (settle) and compare.',
      );
    if (sourceFault(error) === null) throw error;
    return refuse(
      'source_unreachable',
      'A source of this hold could not be asked. Nothing was noted; mend it (muniment source check) and compare again.',
    );
  }
}

/** A source that was restored to before the hold covers nothing by it: that is no word on its records. */
async function inPlaceOrThrow(office: Office, hold: Hold): Promise<void> {
  for (const source of sourcesOf(office, hold)) {
    const there = source.keysCovered ? await source.holdsInPlace() : null;
    if (there && !there.has(hold.id)) throw new HoldNotInPlace();
  }
}

class HoldNotInPlace extends Error {}

const isSame = ({ added, moved, taken, vanished }: Reconciled) => added + moved + taken + vanished === 0;

async function noteChecked(office: Office, actor: Actor, hold: Hold, before: SignedCoverage, since: Reconciled) {
  const now = office.now();
  const said = entry('hold.reconciled', now, actor.id, {
    hold: hold.id,
    coverage: before.id,
    records: before.records,
    ...since,
  });
  await commit(office.store, { state: [], entries: [said], tasks: [] }, (tx) => markChecked(tx, before.id, now));
}

function entriesOf({ id, holdId, records, statement, since }: SignedCoverage, actor: Actor, now: Temporal.Instant) {
  const signed = entry('hold.coverage_signed', now, actor.id, {
    hold: holdId,
    coverage: id,
    records,
    digest: statementDigest(statement),
  });
  if (since === null) return [signed];
  return [
    entry('hold.reconciled', now, actor.id, { hold: holdId, coverage: id, records, ...since }),
    signed,
  ] as Entry[];
}

function alarmsOf({ id, holdId, since }: SignedCoverage, now: Temporal.Instant): readonly Alarm[] {
  if (since === null || since.vanished + since.moved === 0) return [];
  const { vanished, moved } = since;
  return [
    {
      kind: 'held_missing',
      key: `held_missing/${id}`,
      at: formatInstant(now),
      facts: { hold: holdId, coverage: id, vanished, moved },
    },
  ];
}

/** Sources that cannot name what they cover, such as folders: what was counted when the hold was last placed. */
function countedOnly(office: Office, hold: Hold): (Coverage & { keys: boolean })[] {
  return hold.coverage
    .filter(({ dataset, count }) => count > 0 && !office.sources.get(dataset.split('.')[0] ?? '')?.keysCovered)
    .map((coverage) => ({ ...coverage, keys: false }));
}

const sourcesOf = (office: Office, hold: Hold): readonly RecordSource[] =>
  Object.keys(hold.placements).flatMap((name) => office.sources.get(name) ?? []);

/** What the hold covers now, dataset by dataset in the order of their names, written into `out` on the way. */
async function* listCovered(
  office: Office,
  hold: Hold,
  counted: (coverage: Coverage) => void,
  out: ReturnType<typeof textSink>,
): AsyncGenerator<CoveredKey> {
  const datasets = sourcesOf(office, hold)
    .flatMap((source) => source.datasets.map(({ id }) => ({ source, id })))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  for (const { source, id } of datasets) {
    if (!source.keysCovered) continue;
    const root = coverageRoot(id);
    for await (const key of source.keysCovered(hold.id, id)) {
      root.add(key);
      await out.add(`${JSON.stringify([id, ...key])}\n`);
      yield { dataset: id, key };
    }
    counted(root.end());
  }
}

async function* none(): AsyncGenerator<CoveredKey> {}

/** The lines of a list of covered keys: each a JSON array, the dataset first. */
async function* readKeys(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<CoveredKey> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [dataset = '', ...key] = JSON.parse(line) as string[];
      yield { dataset, key };
    }
  }
  if (rest !== '') throw new Error('a list of covered keys ends in the middle of a line');
}

/** Sorts what is missing as it comes, so many at a time. */
class Found {
  added = 0;
  readonly vanished: CoveredKey[] = [];
  readonly moved: CoveredKey[] = [];
  #counts = { moved: 0, taken: 0, vanished: 0 };
  #waiting: CoveredKey[] = [];
  readonly #office: Office;
  readonly #since: Temporal.Instant;

  /** @param since when the records were last seen to be there */
  constructor(office: Office, since: Temporal.Instant) {
    this.#office = office;
    this.#since = since;
  }

  async miss(covered: CoveredKey): Promise<void> {
    this.#waiting.push(covered);
    if (this.#waiting.length >= 500) await this.settle();
  }

  /** Look for what is missing: it is there and no longer covered, or gone; and then by an order of ours, or not. */
  async settle(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [dataset, group] of Map.groupBy(waiting, (covered) => covered.dataset)) {
      const keys = group.map(({ key }) => key);
      // A dataset that is in the data map no more cannot be looked into: what it had is covered no more.
      const known = findDataset(this.#office.policy.dataMap, dataset) !== undefined;
      const there = known ? await sourceOf(this.#office.sources, dataset).keysThere?.(dataset, keys) : null;
      const isThere = (covered: CoveredKey) => !there || there.has(keyText(covered.key));
      const gone = group.filter((covered) => !isThere(covered));
      const taken = await takenByOrders(this.#office, gone, this.#since);
      for (const covered of group.filter(isThere)) this.#note('moved', covered);
      for (const [place, covered] of gone.entries())
        if (taken.has(place)) this.#counts.taken += 1;
        else this.#note('vanished', covered);
    }
  }

  #note(what: 'vanished' | 'moved', covered: CoveredKey): void {
    this.#counts[what] += 1;
    if (this[what].length < listed) this[what].push(covered);
  }

  result(): Reconciled {
    return { added: this.added, ...this.#counts };
  }
}

export type SignedStatement = SignedCoverage & { readonly digest: string };

/** The statements of a hold, newest first. */
export async function coveragePage(
  office: Office,
  id: string,
): Promise<{ hold: Hold; coverages: readonly SignedStatement[] } | Refusal> {
  const hold = await loadHold(office.store, id);
  if (!hold) return refuse('not_found', 'There is no such hold.');
  const coverages = (await coveragesOf(office.store, id)).map((coverage) => ({
    ...coverage,
    digest: statementDigest(coverage.statement),
  }));
  return { hold, coverages: coverages.toReversed() };
}

/** The list of keys that a statement's roots are over, to compute them again. */
export async function readCoveredKeys(
  office: Office,
  hold: string,
  id: string,
): Promise<{ mediaType: string; fileName: string; bytes: AsyncIterable<Uint8Array> } | Refusal> {
  const coverage = (await coveragesOf(office.store, hold)).find((one) => one.id === id);
  if (!coverage) return refuse('not_found', 'There is no such statement of this hold.');
  return {
    mediaType: 'application/x-ndjson',
    fileName: `covered-${id}.ndjson`,
    bytes: office.blobs.read(coverage.blobId, await office.store.vault.caseKey(coverage.caseId)),
  };
}
