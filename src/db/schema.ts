/**
 * db/ promises that a decision is written whole or not at all, and that Postgres itself refuses what must not be:
 * two runs of a task's key, a gap in the ledger, an entry changed afterwards. Other folders never write SQL against
 * these tables; they call the queries here. Personal data stands only in columns named `sealed`, encrypted under the
 * key of its case (vault.ts).
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  boolean,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import type { Json } from '../core/canonical-json.ts';
import { formatInstant } from '../core/instants.ts';

/** timestamptz(3) as Temporal.Instant: never through Date, which the driver would truncate and shift. */
export const instant = customType<{ data: Temporal.Instant; driverData: string }>({
  dataType: () => 'timestamp (3) with time zone',
  toDriver: formatInstant,
  fromDriver: (text) => Temporal.Instant.from(text),
});

const bytes = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' });

const version = () => integer().notNull().default(1);

// ---------------------------------------------------------------- people

/** Named actors: staff who sign in, and actors that only hold tokens (no email). better-auth's user model. */
export const people = pgTable(
  'people',
  {
    id: text().primaryKey(),
    name: text().notNull(),
    email: text(),
    emailVerified: boolean('email_verified').notNull().default(false),
    image: text(),
    role: text().notNull(),
    title: text(),
    disabledAt: instant('disabled_at'),
    /** Whether an authenticator app is set up; the library's word for it. */
    twoFactorEnabled: boolean('two_factor_enabled').notNull().default(false),
    /** The last call or page of theirs, to the hour: what an access review asks. */
    lastSeenAt: instant('last_seen_at'),
    createdAt: timestamp('created_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
    updatedAt: timestamp('updated_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  },
  (t) => [uniqueIndex('people_email').on(sql`lower(${t.email})`), uniqueIndex('people_name').on(t.name)],
);

export const sessions = pgTable('sessions', {
  id: text().primaryKey(),
  userId: text('user_id')
    .notNull()
    .references(() => people.id),
  token: text().notNull().unique(),
  expiresAt: timestamp('expires_at', { withTimezone: true, precision: 3 }).notNull(),
  ipAddress: text('ip_address'),
  userAgent: text('user_agent'),
  /** When a second factor was first given in this session; without one a session opens nothing. */
  secondFactorAt: timestamp('second_factor_at', { withTimezone: true, precision: 3 }),
  /** The last second proof in this session; approvals ask that it is fresh. */
  steppedUpAt: timestamp('stepped_up_at', { withTimezone: true, precision: 3 }),
  createdAt: timestamp('created_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  updatedAt: timestamp('updated_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
});

export const accounts = pgTable('accounts', {
  id: text().primaryKey(),
  userId: text('user_id')
    .notNull()
    .references(() => people.id),
  accountId: text('account_id').notNull(),
  providerId: text('provider_id').notNull(),
  accessToken: text('access_token'),
  refreshToken: text('refresh_token'),
  idToken: text('id_token'),
  accessTokenExpiresAt: timestamp('access_token_expires_at', { withTimezone: true, precision: 3 }),
  refreshTokenExpiresAt: timestamp('refresh_token_expires_at', { withTimezone: true, precision: 3 }),
  scope: text(),
  password: text(),
  createdAt: timestamp('created_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  updatedAt: timestamp('updated_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
});

export const verifications = pgTable('verifications', {
  id: text().primaryKey(),
  identifier: text().notNull(),
  value: text().notNull(),
  expiresAt: timestamp('expires_at', { withTimezone: true, precision: 3 }).notNull(),
  createdAt: timestamp('created_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  updatedAt: timestamp('updated_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
});

/** An authenticator app (TOTP) with its recovery codes, encrypted by the sign-in library. */
export const twoFactors = pgTable('two_factors', {
  id: text().primaryKey(),
  userId: text('user_id')
    .notNull()
    .unique()
    .references(() => people.id),
  secret: text().notNull(),
  backupCodes: text('backup_codes').notNull(),
  verified: boolean().notNull().default(true),
  failedVerificationCount: integer('failed_verification_count').notNull().default(0),
  lockedUntil: timestamp('locked_until', { withTimezone: true, precision: 3 }),
});

/** Passkeys (WebAuthn): public keys only. */
export const passkeys = pgTable(
  'passkeys',
  {
    id: text().primaryKey(),
    userId: text('user_id')
      .notNull()
      .references(() => people.id),
    name: text(),
    publicKey: text('public_key').notNull(),
    credentialID: text('credential_id').notNull().unique(),
    counter: bigint({ mode: 'number' }).notNull(),
    deviceType: text('device_type').notNull(),
    backedUp: boolean('backed_up').notNull(),
    transports: text(),
    aaguid: text(),
    createdAt: timestamp('created_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  },
  (t) => [index('passkeys_of_person').on(t.userId)],
);

/** Codes of an authenticator app that were used: each counts once (RFC 6238, 5.2). */
export const spentCodes = pgTable(
  'spent_codes',
  {
    actorId: text('actor_id')
      .notNull()
      .references(() => people.id),
    codeHash: text('code_hash').notNull(),
    spentAt: instant('spent_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.actorId, t.codeHash] })],
);

/**
 * How often something was tried of late: sign-ins, codes, requests. Keys are keyed digests of what is counted (a person,
 * a network), so that this table names nobody.
 */
export const throttles = pgTable(
  'throttles',
  {
    key: text().primaryKey(),
    count: integer().notNull(),
    windowEndsAt: instant('window_ends_at').notNull(),
  },
  (t) => [index('throttles_end').on(t.windowEndsAt)],
);

/** One-time links by which a new person sets their password. Only the digest of the secret is kept. */
export const invitations = pgTable('invitations', {
  id: text().primaryKey(),
  actorId: text('actor_id')
    .notNull()
    .references(() => people.id),
  secretHash: text('secret_hash').notNull().unique(),
  expiresAt: instant('expires_at').notNull(),
  usedAt: instant('used_at'),
});

export const tokens = pgTable('tokens', {
  id: text().primaryKey(),
  actorId: text('actor_id')
    .notNull()
    .references(() => people.id),
  role: text().notNull(),
  secretHash: text('secret_hash').notNull().unique(),
  prefix: text().notNull(),
  canApprove: boolean('can_approve').notNull().default(false),
  /** The actor's approval key wrapped under the token's own secret; only for tokens that may approve. */
  wrappedKey: bytes('wrapped_key'),
  keyId: text('key_id'),
  /** What of its role's permissions the token has; null: all of them. */
  scopes: jsonb().$type<string[]>(),
  expiresAt: instant('expires_at').notNull(),
  createdAt: instant('created_at').notNull(),
  lastUsedAt: instant('last_used_at'),
  revokedAt: instant('revoked_at'),
});

// ---------------------------------------------------------------- keys

/** Signing keys with their history. Private parts are wrapped under the master key, or under a token's secret. */
export const keys = pgTable('keys', {
  kid: text().primaryKey(),
  purpose: text().notNull(),
  actorId: text('actor_id').references(() => people.id),
  publicJwk: jsonb('public_jwk').$type<Json>().notNull(),
  wrapped: bytes(),
  certificate: text(),
  createdAt: instant('created_at').notNull(),
  retiredAt: instant('retired_at'),
});

/** The key of one case, wrapped under a master key. Destroying it shreds the live copy of what it sealed. */
export const caseKeys = pgTable('case_keys', {
  id: text().primaryKey(),
  wrapped: bytes(),
  masterVersion: text('master_version').notNull(),
  createdAt: instant('created_at').notNull(),
  destroyedAt: instant('destroyed_at'),
});

// ---------------------------------------------------------------- alarms, incidents, access

/** Something that somebody should look at now. Facts are ids, codes and counts, never personal data. */
export const alarms = pgTable(
  'alarms',
  {
    id: text().primaryKey(),
    kind: text().notNull(),
    /** The same occasion raises one alarm. */
    key: text().notNull().unique(),
    at: instant().notNull(),
    facts: jsonb().$type<Json>().notNull(),
    mailedAt: instant('mailed_at'),
    postedAt: instant('posted_at'),
    seenAt: instant('seen_at'),
    seenBy: text('seen_by'),
  },
  (t) => [index('alarms_at').on(t.at)],
);

/** A breach of personal data, from the first suspicion to the last notice (GDPR art. 33 and 34). */
export const incidents = pgTable('incidents', {
  id: text().primaryKey(),
  version: version(),
  reference: text().notNull().unique(),
  caseId: text('case_id').notNull(),
  state: text().notNull(),
  /** When we became aware: the 72 hours run from here. */
  awareAt: instant('aware_at').notNull(),
  notifyBy: instant('notify_by').notNull(),
  authorityNotifiedAt: instant('authority_notified_at'),
  personsNotifiedAt: instant('persons_notified_at'),
  risk: text().notNull(),
  policy: text().notNull(),
  datasets: jsonb().$type<string[]>().notNull(),
  counts: jsonb().$type<Json>(),
  history: jsonb().$type<Json>().notNull(),
  /** What happened, in words; who is affected. */
  sealed: bytes().notNull(),
});

/** A role lent for a while, for a reason, in an emergency. */
export const breakGlass = pgTable('break_glass', {
  id: text().primaryKey(),
  actorId: text('actor_id')
    .notNull()
    .references(() => people.id),
  role: text().notNull(),
  caseId: text('case_id').notNull(),
  startedAt: instant('started_at').notNull(),
  endsAt: instant('ends_at').notNull(),
  endedAt: instant('ended_at'),
  reviewedAt: instant('reviewed_at'),
  reviewedBy: text('reviewed_by'),
  /** The reason, in words. */
  sealed: bytes().notNull(),
});

/** Who had what access in a quarter, whether they used it, and who signed that it should stay. */
export const accessReviews = pgTable('access_reviews', {
  id: text().primaryKey(),
  version: version(),
  quarter: text().notNull().unique(),
  state: text().notNull(),
  openedAt: instant('opened_at').notNull(),
  closedAt: instant('closed_at'),
  signedBy: text('signed_by'),
  rows: jsonb().$type<Json>().notNull(),
});

// ---------------------------------------------------------------- ledger

/** Written in the transaction of the decision; the sequencer moves it into ledger_entries within seconds. */
export const ledgerPending = pgTable('ledger_pending', {
  id: bigserial({ mode: 'bigint' }).primaryKey(),
  kind: text().notNull(),
  bytes: bytes().notNull(),
});

export const ledgerEntries = pgTable('ledger_entries', {
  index: bigint({ mode: 'number' }).primaryKey(),
  kind: text().notNull(),
  /** The exact bytes that were hashed: canonical JSON in UTF-8. */
  bytes: bytes().notNull(),
  leafHash: bytes('leaf_hash').notNull(),
});

/** Hash tiles of height 8 (C2SP tlog-tiles): 32 bytes a hash; the rightmost one of a level grows. */
export const ledgerTiles = pgTable(
  'ledger_tiles',
  {
    level: integer().notNull(),
    index: bigint({ mode: 'number' }).notNull(),
    hashes: bytes().notNull(),
  },
  (t) => [primaryKey({ columns: [t.level, t.index] })],
);

export const ledgerCheckpoints = pgTable('ledger_checkpoints', {
  size: bigint({ mode: 'number' }).primaryKey(),
  root: bytes().notNull(),
  note: text().notNull(),
  signedAt: instant('signed_at').notNull(),
});

// ---------------------------------------------------------------- policy

export const policySets = pgTable('policy_sets', {
  digest: text().primaryKey(),
  content: jsonb().$type<Json>().notNull(),
  recordedAt: instant('recorded_at').notNull(),
});

// ---------------------------------------------------------------- holds

/** What holds are placed for. */
export const matters = pgTable('matters', {
  id: text().primaryKey(),
  version: version(),
  reference: text().notNull().unique(),
  caseId: text('case_id').notNull(),
  state: text().notNull(),
  openedAt: instant('opened_at').notNull(),
  openedBy: text('opened_by').notNull(),
  closedAt: instant('closed_at'),
  closedBy: text('closed_by'),
  /** Its name, and the number that a court gave it. */
  sealed: bytes().notNull(),
});

export const holds = pgTable('holds', {
  id: text().primaryKey(),
  version: version(),
  caseId: text('case_id').notNull(),
  matterId: text('matter_id').references(() => matters.id),
  /** A day in the organization's zone. */
  reviewOn: text('review_on'),
  state: text().notNull(),
  policy: text().notNull(),
  placedAt: instant('placed_at').notNull(),
  placedBy: text('placed_by').notNull(),
  demandId: text('demand_id'),
  requestId: text('request_id'),
  /** Per source: whether it is in place there, and at which epoch. */
  placements: jsonb().$type<Json>().notNull(),
  coverage: jsonb().$type<Json>().notNull(),
  scopeDigest: text('scope_digest').notNull(),
  releaseRequestedBy: text('release_requested_by'),
  releaseRequestedAt: instant('release_requested_at'),
  releasedBy: text('released_by'),
  releasedAt: instant('released_at'),
  sealed: bytes().notNull(),
});

/** People outside who were told to keep what a hold is about. */
export const custodians = pgTable(
  'custodians',
  {
    id: text().primaryKey(),
    version: version(),
    holdId: text('hold_id')
      .notNull()
      .references(() => holds.id),
    caseId: text('case_id').notNull(),
    state: text().notNull(),
    askedAt: instant('asked_at').notNull(),
    askedBy: text('asked_by').notNull(),
    acknowledgedAt: instant('acknowledged_at'),
    history: jsonb().$type<Json>().notNull(),
    /** Their name and address, and what they were told. */
    sealed: bytes().notNull(),
  },
  (t) => [index('custodians_of_hold').on(t.holdId)],
);

/** What a hold covered at a moment, signed; the keys themselves are in a blob under the hold's case. */
export const coverages = pgTable(
  'hold_coverages',
  {
    id: text().primaryKey(),
    holdId: text('hold_id')
      .notNull()
      .references(() => holds.id),
    caseId: text('case_id').notNull(),
    /** Its place among those of the hold, from 1. */
    seq: integer().notNull(),
    takenAt: instant('taken_at').notNull(),
    checkedAt: instant('checked_at').notNull(),
    records: bigint({ mode: 'number' }).notNull(),
    /** The exact text that was signed. */
    statement: text().notNull(),
    jws: text().notNull(),
    blobId: text('blob_id').notNull(),
    /** What became of the records of the statement before, in numbers; null: this is the first. */
    since: jsonb().$type<Json>(),
    /** Keys of records that are missing. */
    sealed: bytes().notNull(),
  },
  (t) => [uniqueIndex('hold_coverages_of_hold').on(t.holdId, t.seq)],
);

/** The newest hold epoch Muniment knows per source: a source that shows less was restored behind our back. */
export const holdEpochs = pgTable('hold_epochs', {
  source: text().primaryKey(),
  epoch: bigint({ mode: 'number' }).notNull(),
});

// ---------------------------------------------------------------- disposition

export const runs = pgTable(
  'disposition_runs',
  {
    id: text().primaryKey(),
    version: version(),
    state: text().notNull(),
    dryRun: boolean('dry_run').notNull(),
    policy: text().notNull(),
    plannedAt: instant('planned_at').notNull(),
    startedBy: text('started_by').notNull(),
    approvedBy: text('approved_by'),
    approvalReasons: jsonb('approval_reasons').$type<Json>().notNull(),
    finishedAt: instant('finished_at'),
    /** rule id -> cutoff, computed once (I3). */
    cutoffs: jsonb().$type<Record<string, string>>().notNull(),
    refusal: jsonb().$type<Json>(),
    certificate: jsonb().$type<Json>(),
    /** Key of the run's salts, wrapped. */
    runKey: bytes('run_key').notNull(),
  },
  (t) => [index('runs_planned_at').on(t.plannedAt)],
);

/** One rule on one dataset within a run. */
export const runParts = pgTable(
  'disposition_run_parts',
  {
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    rule: text().notNull(),
    /** What becomes of its records: destroy or mask. */
    act: text().notNull().default('destroy'),
    /** What the rule destroys, as a digest: whether it changed since it last ran is asked of this. */
    ruleDigest: text('rule_digest').notNull(),
    dataset: text().notNull(),
    state: text().notNull(),
    due: bigint({ mode: 'number' }).notNull(),
    held: bigint({ mode: 'number' }).notNull(),
    restricted: bigint({ mode: 'number' }).notNull(),
    total: bigint({ mode: 'number' }).notNull(),
    destroyed: bigint({ mode: 'number' }).notNull().default(0),
    batches: integer().notNull().default(0),
    heldBy: jsonb('held_by').$type<Record<string, number>>().notNull(),
    refusal: jsonb().$type<Json>(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.rule, t.dataset] })],
);

/** The sources' journals as copied here, exactly once by batch id. */
export const batches = pgTable(
  'disposition_batches',
  {
    id: text().primaryKey(),
    runId: text('run_id').references(() => runs.id),
    requestId: text('request_id'),
    dataset: text().notNull(),
    seq: integer().notNull(),
    count: bigint({ mode: 'number' }).notNull(),
    root: bytes().notNull(),
    leaves: bytes().notNull(),
    /** Commitments to the keys of what went, 16 bytes each. */
    keys: bytes().notNull().default(sql`''`),
    cutoff: instant(),
    epoch: bigint({ mode: 'number' }).notNull(),
    way: text().notNull(),
    destroyedAt: instant('destroyed_at').notNull(),
    copiedAt: instant('copied_at').notNull(),
  },
  (t) => [uniqueIndex('batches_of_run').on(t.runId, t.dataset, t.seq), index('batches_of_request').on(t.requestId)],
);

/** Destruction in stores without transactions: said before, done, confirmed. An open intent is finished at start. */
export const intents = pgTable('disposition_intents', {
  batchId: text('batch_id').primaryKey(),
  runId: text('run_id').notNull(),
  dataset: text().notNull(),
  seq: integer().notNull(),
  cutoff: instant().notNull(),
  epoch: bigint({ mode: 'number' }).notNull(),
  /** Names beneath the dataset's folder, with size and digest. */
  items: jsonb().$type<Json>().notNull(),
  intendedAt: instant('intended_at').notNull(),
  confirmedAt: instant('confirmed_at'),
});

/** Which replica rings which bell: one row a slot, unique (node-cron's run coordinator). */
export const bells = pgTable(
  'bells',
  {
    name: text().notNull(),
    slot: text().notNull(),
    claimedAt: instant('claimed_at').notNull(),
    runId: text('run_id'),
    doneAt: instant('done_at'),
  },
  (t) => [primaryKey({ columns: [t.name, t.slot] })],
);

// ---------------------------------------------------------------- requests

export const requests = pgTable(
  'requests',
  {
    id: text().primaryKey(),
    version: version(),
    reference: text().notNull().unique(),
    caseId: text('case_id').notNull(),
    type: text().notNull(),
    regime: text().notNull(),
    channel: text().notNull(),
    state: text().notNull(),
    outcome: text(),
    reason: text(),
    policy: text().notNull(),
    receivedAt: instant('received_at').notNull(),
    appealedAt: instant('appealed_at'),
    dueAt: instant('due_at'),
    dueOn: text('due_on'),
    clock: text().notNull(),
    refuseBy: instant('refuse_by'),
    /** What the deadline was counted with: rules, calendars and time zone data, each with its version. */
    frozen: jsonb().$type<Json>().notNull().default([]),
    /** Keyed pseudonym of the subject; the key dies with the case (I5). */
    subject: text().notNull(),
    /** Clock events, moves and who made them. */
    history: jsonb().$type<Json>().notNull(),
    clockEvents: jsonb('clock_events').$type<Json>().notNull(),
    identity: jsonb().$type<Json>().notNull(),
    findings: jsonb().$type<Json>(),
    decision: jsonb().$type<Json>(),
    receipt: jsonb().$type<Json>(),
    exportId: text('export_id'),
    holdId: text('hold_id'),
    sealed: bytes().notNull(),
  },
  (t) => [index('requests_due').on(t.state, t.dueAt)],
);

/** Expiring links and codes for people without an account: only digests are kept. */
export const grants = pgTable(
  'grants',
  {
    id: text().primaryKey(),
    /** Of an acknowledgement: the custodian. */
    requestId: text('request_id').notNull(),
    kind: text().notNull(),
    secretHash: text('secret_hash').notNull(),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at').notNull(),
    usedAt: instant('used_at'),
    attempts: integer().notNull().default(0),
  },
  (t) => [index('grants_of_request').on(t.requestId), uniqueIndex('grants_secret').on(t.secretHash)],
);

// ---------------------------------------------------------------- demands

export const demands = pgTable('demands', {
  id: text().primaryKey(),
  version: version(),
  reference: text().notNull().unique(),
  caseId: text('case_id').notNull(),
  type: text().notNull(),
  state: text().notNull(),
  receivedAt: instant('received_at').notNull(),
  dueAt: instant('due_at'),
  emergency: boolean().notNull().default(false),
  /** The date of the order, as written, and the length it sets: what some clocks count from, and with. */
  issuedAt: text('issued_at'),
  orderedPeriod: text('ordered_period'),
  /** Extensions and renewals, in the deadline engine's own form. */
  clockEvents: jsonb('clock_events').$type<Json>().notNull().default([]),
  policy: text().notNull(),
  history: jsonb().$type<Json>().notNull(),
  documents: jsonb().$type<Json>().notNull(),
  holdIds: jsonb('hold_ids').$type<string[]>().notNull(),
  exportIds: jsonb('export_ids').$type<string[]>().notNull(),
  sealed: bytes().notNull(),
});

// ---------------------------------------------------------------- exports

export const exports_ = pgTable('exports', {
  id: text().primaryKey(),
  version: version(),
  caseId: text('case_id').notNull(),
  purpose: text().notNull(),
  state: text().notNull(),
  policy: text().notNull(),
  requestedAt: instant('requested_at').notNull(),
  preparer: text().notNull(),
  approver: text(),
  demandId: text('demand_id'),
  requestId: text('request_id'),
  formats: jsonb().$type<string[]>().notNull(),
  timezone: text().notNull(),
  counts: jsonb().$type<Json>(),
  progress: jsonb().$type<Json>(),
  files: jsonb().$type<Json>(),
  manifestSha256: text('manifest_sha256'),
  packageBlob: text('package_blob'),
  packageSha256: text('package_sha256'),
  sealedAt: instant('sealed_at'),
  refusal: jsonb().$type<Json>(),
  sealed: bytes().notNull(),
});

/** Bytes in the blob store, by digest of what was stored; the case's key opens them. */
export const blobs = pgTable('blobs', {
  id: text().primaryKey(),
  caseId: text('case_id').notNull(),
  sha256: text().notNull(),
  sizeBytes: bigint('size_bytes', { mode: 'number' }).notNull(),
  mediaType: text('media_type').notNull(),
  createdAt: instant('created_at').notNull(),
  removedAt: instant('removed_at'),
});

// ---------------------------------------------------------------- notices, idempotency

export const notices = pgTable('notices', {
  id: text().primaryKey(),
  caseId: text('case_id').notNull(),
  template: text().notNull(),
  key: text().notNull().unique(),
  state: text().notNull(),
  queuedAt: instant('queued_at').notNull(),
  sentAt: instant('sent_at'),
  attempts: integer().notNull().default(0),
  sealed: bytes().notNull(),
});

export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    actor: text().notNull(),
    key: text().notNull(),
    fingerprint: text().notNull(),
    status: integer(),
    body: text(),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.actor, t.key] })],
);

export const settings = pgTable(
  'settings',
  {
    id: integer().primaryKey().default(1),
    origin: text().notNull(),
    createdAt: instant('created_at').notNull(),
    /** The latest instant a run was planned at: a clock behind it is implausible. */
    lastRunAt: instant('last_run_at'),
  },
  (t) => [check('settings_one_row', sql`${t.id} = 1`)],
);
