import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/core/hash.ts';
import { type EntryKind, type EntryOf, entry } from '../../src/ledger/entry.ts';
import { entryBytes } from '../../src/ledger/entry-bytes.ts';
import { leafHash } from '../../src/ledger/merkle.ts';
import { golden } from '../support/golden.ts';

const at = Temporal.Instant.from('2026-11-27T09:30:00.123456789Z');
const digest = (letter: string) => letter.repeat(64);

/** One of each kind. The type asks for every kind of the union: a new one does not compile until it stands here. */
const samples: { readonly [Kind in EntryKind]: EntryOf<Kind>['facts'] } = {
  'policy.recorded': { digest: digest('a') },
  'actor.created': { actor: 'act_2', role: 'legal', by: 'act_1' },
  'actor.invited_again': { actor: 'act_2' },
  'actor.role_changed': { actor: 'act_2', from: 'legal', to: 'compliance' },
  'actor.disabled': { actor: 'act_2', sessions: 1, tokens: 2 },
  'actor.enabled': { actor: 'act_2' },
  'factor.added': { actor: 'act_2', factor: 'passkey' },
  'factor.removed': { actor: 'act_2', factor: 'app' },
  'factor.recovery_used': { actor: 'act_2', left: 9 },
  'sign_in.barred': { actor: 'act_2' },
  'sessions.ended': { actor: 'act_2', count: 3 },
  'alarm.seen': { alarm: 'alm_1', kind: 'guard_fired' },
  'access.lent': { lending: 'lnd_1', role: 'legal', until: '2026-11-27T10:00:00.000Z' },
  'access.returned': { lending: 'lnd_1', actor: 'act_2', role: 'legal', until: '2026-11-27T09:45:00.000Z' },
  'access.reviewed': { lending: 'lnd_1', actor: 'act_2', role: 'legal' },
  'access.review_opened': { review: 'rev_1', quarter: '2026-Q3', people: 9, tokens: 4 },
  'access.review_signed': { quarter: '2026-Q3', people: 9, removed: 1, digest: digest('7') },
  'token.created': { token: 'tok_1', actor: 'act_2', role: 'legal', canApprove: true },
  'token.revoked': { token: 'tok_1', actor: 'act_2' },
  'key.created': { kid: 'YC_rSqYqGT9TItpUEbi3tXQQ4Ghh4LzPDG2D-G3C0oA', purpose: 'approver', actor: 'act_2' },
  'key.master_made': { version: '2026-11-27-1a2b3c' },
  'key.rewrapped': { version: '2026-11-27-1a2b3c', cases: 12, keys: 5, runs: 3, answers: 2 },
  'key.master_destroyed': { version: '2026-08-27-4d5e6f' },
  'hold.placed': { hold: 'hld_1', scope: digest('b'), state: 'active', records: 46, root: digest('c') },
  'hold.active': { hold: 'hld_1', records: 46, root: digest('c') },
  'hold.coverage_signed': { hold: 'hld_1', coverage: 'cov_1', records: 46, digest: digest('8') },
  'hold.reconciled': { hold: 'hld_1', coverage: 'cov_1', records: 46, added: 1, moved: 0, taken: 0, vanished: 2 },
  'hold.release_requested': { hold: 'hld_1' },
  'hold.kept': { hold: 'hld_1' },
  'hold.reviewed': { hold: 'hld_1', next: '2027-05-27' },
  'hold.released': { hold: 'hld_1', requestedBy: 'act_1' },
  'custodian.asked': { hold: 'hld_1', custodian: 'cus_1' },
  'custodian.reminded': { hold: 'hld_1', custodian: 'cus_1', times: 2 },
  'custodian.acknowledged': { hold: 'hld_1', custodian: 'cus_1' },
  'custodian.released': { hold: 'hld_1', custodian: 'cus_1' },
  'matter.opened': { matter: 'mat_1' },
  'matter.closed': { matter: 'mat_1', proposed: 2, kept: 1 },
  'matter.reopened': { matter: 'mat_1' },
  'run.planned': {
    run: 'run_1',
    policy: digest('a'),
    dryRun: false,
    cutoffs: { messages: '2023-11-27T09:30:00.123Z' },
    due: 242,
    held: 4,
  },
  'run.refused': { run: 'run_1', code: 'drift' },
  'run.awaiting_approval': { run: 'run_1', reasons: ['cap_share:app.messages'] },
  'run.approved': { run: 'run_1' },
  'run.cancelled': { run: 'run_1' },
  'run.paused': { run: 'run_1' },
  'run.resumed': { run: 'run_1' },
  'run.failed': { run: 'run_1', code: 'source_unreachable' },
  'run.completed': { run: 'run_1', destroyed: 238, spared: 4, root: digest('d') },
  'batch.destroyed': {
    batch: 'run_1/app.messages/1',
    run: 'run_1',
    dataset: 'app.messages',
    count: 238,
    root: digest('e'),
    cutoff: '2023-11-27T09:30:00.123Z',
    policy: digest('a'),
    epoch: 1,
    way: 'source',
  },
  'batch.masked': {
    batch: 'run_1/app.messages/1',
    run: 'run_1',
    dataset: 'app.messages',
    count: 238,
    root: digest('e'),
    cutoff: '2023-11-27T09:30:00.123Z',
    policy: digest('a'),
    epoch: 1,
    way: 'source',
  },
  'request.received': {
    request: 'req_1',
    type: 'access',
    regime: 'EU-GDPR',
    policy: digest('a'),
    subject: digest('f'),
  },
  'request.moved': { request: 'req_1', move: 'verify', from: 'received', to: 'verifying' },
  'request.code_sent': { request: 'req_1' },
  'request.code_failed': { request: 'req_1', attempts: 1 },
  'request.decided': { request: 'req_1', outcome: 'refused', reason: 'LEGAL_CLAIMS' },
  'request.fulfilled': { request: 'req_1', destroyed: 4, masked: 1, kept: 4, given: 0, receipt: digest('0') },
  'request.downloaded': { request: 'req_1', export: 'exp_1' },
  'erasure.batch': { request: 'req_1', dataset: 'app.messages', destroyed: 4, masked: 0, root: digest('1') },
  'demand.received': { demand: 'dem_1', type: 'subpoena_civil' },
  'demand.document': { demand: 'dem_1', document: 'doc_1', sha256: digest('2') },
  'demand.moved': { demand: 'dem_1', move: 'authenticate', from: 'received', to: 'authenticated' },
  'demand.linked': { demand: 'dem_1', hold: 'hld_1', export: null },
  'incident.opened': {
    incident: 'inc_1',
    policy: digest('a'),
    awareAt: '2026-11-27T09:30:00.123Z',
    notifyBy: '2026-11-30T09:30:00.123Z',
  },
  'incident.counted': { incident: 'inc_1', scope: digest('3'), people: 12, records: 240, uncounted: 1 },
  'incident.moved': {
    incident: 'inc_1',
    move: 'notify_authority',
    from: 'assessed',
    to: 'authority_notified',
    risk: null,
    ground: null,
    reason: 'FACTS_UNCLEAR',
    notifiedAt: '2026-11-30T10:00:00.123Z',
  },
  'export.requested': { export: 'exp_1', purpose: 'demand', scope: digest('3'), policy: digest('a') },
  'export.collected': { export: 'exp_1', records: 9, digest: digest('4') },
  'export.approved': { export: 'exp_1', preparer: 'act_1', manifest: digest('5') },
  'export.sealed': { export: 'exp_1', manifest: digest('5'), package: digest('6') },
  'export.downloaded': { export: 'exp_1' },
  'export.failed': { export: 'exp_1', code: 'source_unreachable' },
  'files.removed': { batch: 'run_1/app.messages/1', count: 3 },
};

describe('the entries of the ledger', () => {
  it('are written as their golden file says, byte for byte, with the leaf each becomes', () => {
    const lines = (Object.keys(samples) as EntryKind[]).map((kind) => {
      const bytes = entryBytes(entry(kind, at, 'act_1', samples[kind] as never));
      return `${Buffer.from(bytes).toString('utf8')}\n  leaf ${toHex(leafHash(bytes))}`;
    });
    golden('ledger-entries.txt', `${lines.join('\n')}\n`);
  });

  it('I5 have only facts whose names are known to be no free text', () => {
    // A new field is a decision: is it an id, a digest, a count, a code or a date? Then it stands here.
    const ids =
      'actor alarm batch by coverage custodian demand document export hold incident kid lending matter move package preparer request requestedBy review run token';
    const digests = 'digest manifest policy receipt root scope sha256 subject';
    const counts =
      'added answers attempts cases count destroyed due epoch given held keys kept left masked moved people proposed records removed sessions runs spared taken times tokens uncounted vanished';
    const codes =
      'canApprove code dataset dryRun factor from ground kind outcome purpose quarter reason reasons regime risk role state to type version way';
    const dates = 'awareAt cutoff cutoffs next notifiedAt notifyBy until';
    const known = new Set([ids, digests, counts, codes, dates].flatMap((words) => words.split(' ')));
    const fields = Object.values(samples).flatMap((facts) => Object.keys(facts));
    expect([...new Set(fields)].filter((field) => !known.has(field))).toEqual([]);
  });
});
