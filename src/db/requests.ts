import { and, asc, desc, eq, gt, isNull, ne, sql } from 'drizzle-orm';
import type { Json } from '../core/canonical-json.ts';
import { personal } from '../core/personal.ts';
import type {
  ClockEvent,
  Deadline,
  Deferred,
  Finding,
  HistoryItem,
  Identity,
  Outcome,
  Receipt,
  RequestDecision,
  RequestState,
  RequestType,
  Subject,
  SubjectRequest,
} from '../requests/request.ts';
import type { Store } from './commit.ts';
import type { Queryable } from './connect.ts';
import { grants, requests } from './schema.ts';
import type { Vault } from './vault.ts';

interface Sealed {
  readonly subject: Subject;
  readonly details: string | null;
  /** By place among the clock's events: what the person was told, in staff's own words. */
  readonly eventReasons?: readonly (string | null)[];
  readonly deferred?: readonly Deferred[];
}

export async function requestColumns(vault: Vault, request: SubjectRequest) {
  const secret: Sealed = {
    subject: request.subject.reveal(),
    details: request.details.reveal(),
    deferred: request.deferred.reveal(),
    eventReasons: request.clockEvents.map(({ reason }) => (typeof reason === 'string' ? reason : null)),
  };
  return {
    id: request.id,
    reference: request.reference,
    caseId: request.caseId,
    type: request.type,
    regime: request.regime,
    channel: request.channel,
    state: request.state,
    outcome: request.outcome,
    reason: request.reason,
    policy: request.policy,
    receivedAt: request.receivedAt,
    appealedAt: request.appealedAt,
    dueAt: request.deadline.dueAt,
    dueOn: request.deadline.dueOn,
    clock: request.deadline.clock,
    refuseBy: request.deadline.refuseBy,
    frozen: request.deadline.frozen as unknown as Json,
    subject: request.pseudonym,
    history: request.history as unknown as Json,
    clockEvents: request.clockEvents.map(({ reason: _, ...event }) => event) as unknown as Json,
    identity: request.identity as unknown as Json,
    findings: request.findings as unknown as Json,
    decision: request.decision as unknown as Json,
    receipt: request.receipt as unknown as Json,
    exportId: request.exportId,
    holdId: request.holdId,
    sealed: await vault.seal(request.caseId, secret),
  };
}

async function toRequest(store: Store, row: typeof requests.$inferSelect): Promise<SubjectRequest> {
  const secret = (await store.vault.open(row.caseId, row.sealed)).reveal() as Sealed;
  const { sealed: _sealed, subject, dueAt, dueOn, clock, refuseBy, frozen, ...plain } = row;
  return {
    ...plain,
    type: row.type as RequestType,
    state: row.state as RequestState,
    outcome: row.outcome as Outcome | null,
    deadline: {
      dueAt,
      dueOn,
      clock: clock as Deadline['clock'],
      refuseBy,
      frozen: frozen as unknown as Deadline['frozen'],
    },
    pseudonym: subject,
    history: row.history as unknown as HistoryItem[],
    clockEvents: (row.clockEvents as unknown as ClockEvent[]).map((event, place) => {
      const reason = secret.eventReasons?.[place];
      return typeof reason === 'string' ? { ...event, reason } : event;
    }),
    identity: row.identity as unknown as Identity,
    findings: row.findings as unknown as Finding[] | null,
    decision: row.decision as unknown as RequestDecision | null,
    receipt: row.receipt as unknown as Receipt | null,
    subject: personal(secret.subject),
    details: personal(secret.details),
    deferred: personal(secret.deferred ?? []),
  };
}

export async function loadRequest(store: Store, id: string): Promise<SubjectRequest | null> {
  const [row] = await store.db.orm.select().from(requests).where(eq(requests.id, id));
  return row ? toRequest(store, row) : null;
}

export async function requestByReference(store: Store, reference: string): Promise<SubjectRequest | null> {
  // It is typed by a person, and not every text can be asked of PostgreSQL.
  if (!/^R-[0-9A-Z]{4}-[0-9A-Z]{4}$/.test(reference)) return null;
  const [row] = await store.db.orm.select().from(requests).where(eq(requests.reference, reference));
  return row ? toRequest(store, row) : null;
}

/** Requests: open ones first, the nearest deadline on top; then closed ones, newest first. */
export async function listRequests(store: Store, limit: number, offset = 0): Promise<readonly SubjectRequest[]> {
  const rows = await store.db.orm
    .select()
    .from(requests)
    .orderBy(
      sql`${requests.state} = 'closed'`,
      sql`CASE WHEN ${requests.state} <> 'closed' THEN ${requests.dueAt} END ASC NULLS LAST`,
      desc(requests.receivedAt),
      desc(requests.id),
    )
    .limit(limit)
    .offset(offset);
  return Promise.all(rows.map((row) => toRequest(store, row)));
}

/** Open requests by nearest deadline. */
export async function openRequests(store: Store, limit: number): Promise<readonly SubjectRequest[]> {
  const rows = await store.db.orm
    .select()
    .from(requests)
    .where(ne(requests.state, 'closed'))
    .orderBy(asc(requests.dueAt))
    .limit(limit);
  return Promise.all(rows.map((row) => toRequest(store, row)));
}

/** The closed erasures that a hold kept something from, by id. */
export async function erasuresKeptByHold(store: Store): Promise<readonly string[]> {
  const rows = await store.db.orm
    .select({ id: requests.id })
    .from(requests)
    .where(
      and(
        eq(requests.state, 'closed'),
        eq(requests.type, 'erasure'),
        sql`jsonb_path_exists(${requests.receipt}, '$.kept[*] ? (@.ground == "LEGAL_HOLD")')`,
      ),
    );
  return rows.map(({ id }) => id);
}

/** The open requests, by id. */
export async function openRequestIds(store: Store): Promise<readonly string[]> {
  const rows = await store.db.orm.select({ id: requests.id }).from(requests).where(ne(requests.state, 'closed'));
  return rows.map(({ id }) => id);
}

// ---------------------------------------------------------------- grants: codes and links

export type GrantKind = 'code' | 'session' | 'package' | 'acknowledgement';

export interface Grant {
  readonly id: string;
  /** Whom or what it opens: a request; of an acknowledgement, the custodian. */
  readonly requestId: string;
  readonly kind: GrantKind;
  readonly secretHash: string;
  readonly createdAt: Temporal.Instant;
  readonly expiresAt: Temporal.Instant;
  readonly usedAt: Temporal.Instant | null;
  readonly attempts: number;
}

/** Give a code or a link. An earlier code of the request dies with it: only the newest one works. */
export async function addGrant(tx: Queryable, grant: Grant): Promise<void> {
  if (grant.kind === 'code')
    await tx
      .update(grants)
      .set({ usedAt: grant.createdAt })
      .where(and(eq(grants.requestId, grant.requestId), eq(grants.kind, 'code'), isNull(grants.usedAt)));
  await tx.insert(grants).values({ ...grant });
}

/** The newest code of a request that is neither used nor expired. */
export async function liveCode(store: Store, requestId: string, now: Temporal.Instant): Promise<Grant | null> {
  const [row] = await store.db.orm
    .select()
    .from(grants)
    .where(
      and(eq(grants.requestId, requestId), eq(grants.kind, 'code'), isNull(grants.usedAt), gt(grants.expiresAt, now)),
    )
    .orderBy(desc(grants.createdAt))
    .limit(1);
  return row ? { ...row, kind: row.kind as GrantKind } : null;
}

/** The grant of that secret's digest, whatever its state. */
export async function grantBySecret(store: Store, kind: GrantKind, secretHash: string): Promise<Grant | null> {
  const [row] = await store.db.orm
    .select()
    .from(grants)
    .where(and(eq(grants.kind, kind), eq(grants.secretHash, secretHash)));
  return row ? { ...row, kind: row.kind as GrantKind } : null;
}

/** Count a try before the code is compared, so that a crash cannot give one away for free. The new count comes back. */
export async function countAttempt(store: Store, grantId: string): Promise<number> {
  const [row] = await store.db.orm
    .update(grants)
    .set({ attempts: sql`${grants.attempts} + 1` })
    .where(eq(grants.id, grantId))
    .returning({ attempts: grants.attempts });
  return row?.attempts ?? Number.POSITIVE_INFINITY;
}

/** Use a grant up. False when somebody else did first. */
export async function spendGrant(tx: Queryable, grantId: string, now: Temporal.Instant): Promise<boolean> {
  const rows = await tx
    .update(grants)
    .set({ usedAt: now })
    .where(and(eq(grants.id, grantId), isNull(grants.usedAt)))
    .returning({ id: grants.id });
  return rows.length === 1;
}

/** Use up every grant of one request or custodian. */
export async function spendGrantsOf(tx: Queryable, of: string, now: Temporal.Instant): Promise<void> {
  await tx
    .update(grants)
    .set({ usedAt: now })
    .where(and(eq(grants.requestId, of), isNull(grants.usedAt)));
}
