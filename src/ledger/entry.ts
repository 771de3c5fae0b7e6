/**
 * ledger/ promises that what happened stays said: one union of entries, the tree over them (RFC 6962), proofs and
 * checkpoints that foreign tools read. An entry never holds personal data (I5): ids, digests, counts, codes, dates.
 */

/** Digests are lower-case hex, instants RFC 3339 UTC with milliseconds, actors are ids. */
interface EntryFacts {
  'policy.recorded': { digest: string };
  'actor.created': { actor: string; role: string; by: string };
  'actor.invited_again': { actor: string };
  'actor.role_changed': { actor: string; from: string; to: string };
  'actor.disabled': { actor: string; sessions: number; tokens: number };
  'actor.enabled': { actor: string };
  /** A way to prove oneself was set up or taken away: an authenticator app, a passkey, a password. */
  'factor.added': { actor: string; factor: 'app' | 'company' | 'passkey' | 'password' | 'recovery' };
  'factor.removed': { actor: string; factor: 'app' | 'company' | 'passkey' };
  'factor.recovery_used': { actor: string; left: number };
  /** Too many wrong passwords: unknown devices are not let in for a while. */
  'sign_in.barred': { actor: string | null };
  'sessions.ended': { actor: string; count: number };
  'alarm.seen': { alarm: string; kind: string };
  /** A role taken in an emergency, given back (or run out), and looked at afterwards by somebody else. */
  'access.lent': { lending: string; role: string; until: string };
  'access.returned': { lending: string; actor: string; role: string; until: string };
  'access.reviewed': { lending: string; actor: string; role: string };
  'access.review_opened': { review: string; quarter: string; people: number; tokens: number };
  /** `digest`: of the signed record's canonical JSON. */
  'access.review_signed': { quarter: string; people: number; removed: number; digest: string };
  'token.created': { token: string; actor: string; role: string; canApprove: boolean };
  'token.revoked': { token: string; actor: string };
  'key.created': { kid: string; purpose: string; actor: string | null };
  'key.master_made': { version: string };
  'key.rewrapped': { version: string; cases: number; keys: number; runs: number; answers: number };
  'key.master_destroyed': { version: string };
  'hold.placed': { hold: string; scope: string; state: 'active' | 'pending'; records: number; root: string };
  'hold.active': { hold: string; records: number; root: string };
  /** `digest`: SHA-256 of the signed statement (docs/formats/coverage.md). */
  'hold.coverage_signed': { hold: string; coverage: string; records: number; digest: string };
  /** A hold was compared with its sources: what became of what `coverage`, or the statement before it, says. */
  'hold.reconciled': {
    hold: string;
    coverage: string;
    records: number;
    added: number;
    moved: number;
    taken: number;
    vanished: number;
  };
  'hold.release_requested': { hold: string };
  /** Its release was turned down. */
  'hold.kept': { hold: string };
  /** Looked at, and needed on; `next`: the day on which to look again. */
  'hold.reviewed': { hold: string; next: string | null };
  'hold.released': { hold: string; requestedBy: string };
  /** Somebody was told to keep what a hold is about; the actor of an acknowledgement is that custodian. */
  'custodian.asked': { hold: string; custodian: string };
  'custodian.reminded': { hold: string; custodian: string; times: number };
  'custodian.acknowledged': { hold: string; custodian: string };
  'custodian.released': { hold: string; custodian: string };
  'matter.opened': { matter: string };
  /** `proposed`: holds whose release was asked for; `kept`: those that a legal demand keeps. */
  'matter.closed': { matter: string; proposed: number; kept: number };
  'matter.reopened': { matter: string };
  'run.planned': {
    run: string;
    policy: string;
    dryRun: boolean;
    cutoffs: Record<string, string>;
    due: number;
    held: number;
  };
  'run.refused': { run: string; code: string };
  'run.awaiting_approval': { run: string; reasons: string[] };
  'run.approved': { run: string };
  'run.cancelled': { run: string };
  'run.paused': { run: string };
  'run.resumed': { run: string };
  'run.failed': { run: string; code: string };
  'run.completed': { run: string; destroyed: number; spared: number; root: string };
  'batch.destroyed': {
    batch: string;
    run: string;
    dataset: string;
    count: number;
    root: string;
    cutoff: string;
    policy: string;
    epoch: number;
    /** `source`: journalled in the source's own transaction; `intent`: lock and journal in Muniment's database. */
    way: 'source' | 'intent';
  };
  'batch.masked': {
    batch: string;
    run: string;
    dataset: string;
    count: number;
    root: string;
    cutoff: string;
    policy: string;
    epoch: number;
    /** `source`: journalled in the source's own transaction; `intent`: lock and journal in Muniment's database. */
    way: 'source' | 'intent';
  };
  'request.received': { request: string; type: string; regime: string; policy: string; subject: string };
  'request.moved': { request: string; move: string; from: string; to: string };
  'request.code_sent': { request: string };
  'request.code_failed': { request: string; attempts: number };
  'request.decided': { request: string; outcome: string; reason: string | null };
  'request.fulfilled': {
    request: string;
    destroyed: number;
    masked: number;
    kept: number;
    given: number;
    receipt: string;
  };
  'request.downloaded': { request: string; export: string };
  'erasure.batch': { request: string; dataset: string; destroyed: number; masked: number; root: string };
  'demand.received': { demand: string; type: string };
  'demand.document': { demand: string; document: string; sha256: string };
  'demand.moved': { demand: string; move: string; from: string; to: string };
  'demand.linked': { demand: string; hold: string | null; export: string | null };
  /** A breach, from when somebody was aware of it. */
  'incident.opened': { incident: string; policy: string; awareAt: string; notifyBy: string };
  /** `scope`: a keyed digest of whom and what it concerns; `uncounted`: datasets that could not be counted. */
  'incident.counted': { incident: string; scope: string; people: number | null; records: number; uncounted: number };
  'incident.moved': {
    incident: string;
    move: string;
    from: string;
    to: string;
    risk: string | null;
    ground: string | null;
    reason: string | null;
    notifiedAt: string | null;
  };
  'export.requested': { export: string; purpose: string; scope: string; policy: string };
  'export.collected': { export: string; records: number; digest: string };
  'export.approved': { export: string; preparer: string; manifest: string };
  'export.sealed': { export: string; manifest: string; package: string };
  'export.downloaded': { export: string };
  'export.failed': { export: string; code: string };
  'files.removed': { batch: string; count: number };
}

export type EntryKind = keyof EntryFacts;

/** One fact of the ledger: what happened, when, and who did it. */
export type Entry = {
  [Kind in EntryKind]: {
    readonly kind: Kind;
    readonly at: string;
    readonly actor: string;
    readonly facts: Readonly<EntryFacts[Kind]>;
  };
}[EntryKind];

/** An entry of one kind. */
export type EntryOf<Kind extends EntryKind> = Extract<Entry, { kind: Kind }>;

/** Make an entry; `at` is written in the ledger's own form. */
export function entry<Kind extends EntryKind>(
  kind: Kind,
  at: Temporal.Instant,
  actor: string,
  facts: EntryFacts[Kind],
): EntryOf<Kind> {
  return { kind, at: at.toString({ smallestUnit: 'millisecond' }), actor, facts } as unknown as EntryOf<Kind>;
}
