import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import postgres from 'postgres';
import { readConfig } from '../../src/config.ts';
import { type Actor, clockActor } from '../../src/core/actor.ts';
import { isRefusal, type Refusal } from '../../src/core/refusal.ts';
import { demoConversations, demoPeople } from '../../src/demo/demo-people.ts';
import { approveExport } from '../../src/flows/approve-export.ts';
import { approveAccessPackage } from '../../src/flows/approve-request.ts';
import { acceptInvitation, createToken, invitePerson } from '../../src/flows/create-actor.ts';
import { acknowledge, askCustodians, remindCustodian } from '../../src/flows/custodians.ts';
import { lendRole } from '../../src/flows/lend-role.ts';
import { lookUpExport, lookUpRequest, lookUpRun, outgoingMail, peoplePage } from '../../src/flows/look-up.ts';
import { moveIncident } from '../../src/flows/move-incident.ts';
import { decideRequest } from '../../src/flows/move-request.ts';
import type { Office } from '../../src/flows/office.ts';
import { openIncident } from '../../src/flows/open-incident.ts';
import { placeHold } from '../../src/flows/place-hold.ts';
import { planDisposition } from '../../src/flows/plan-run.ts';
import { attachDocument, moveDemand, receiveDemand } from '../../src/flows/receive-demand.ts';
import { receiveRequest } from '../../src/flows/receive-request.ts';
import { compareNow } from '../../src/flows/reconcile-hold.ts';
import { requestRelease } from '../../src/flows/release-hold.ts';
import { requestExport } from '../../src/flows/request-export.ts';
import { returnRole } from '../../src/flows/return-role.ts';
import { decideAccess, lookUpReview, openReviewNow, signReview } from '../../src/flows/review-access.ts';
import { reviewHold } from '../../src/flows/review-hold.ts';
import { confirmCode } from '../../src/flows/verify-request.ts';
import { undecided } from '../../src/policy/access-review.ts';
import { type Service, startService } from '../../src/serve.ts';
import { callerFor } from '../support/people.ts';
import { waitUntil } from '../support/wait.ts';

/** A demonstration with a day's work in it: what every page looks like when it is used. */
export interface Scene {
  readonly service: Service;
  readonly url: string;
  readonly password: string;
  readonly office: Office;
  /** The codes that were mailed, newest first; of one request or of all. */
  codes(reference?: string): Promise<readonly string[]>;
  readonly ids: Readonly<
    Record<
      | 'invitation'
      | 'person'
      | 'fresh'
      | 'answered'
      | 'erasure'
      | 'erased'
      | 'hold'
      | 'matter'
      | 'custodianLink'
      | 'releasing'
      | 'dryRun'
      | 'run'
      | 'demand'
      | 'incident'
      | 'lateIncident'
      | 'waitingExport'
      | 'sealedExport'
      | 'lending'
      | 'openReview'
      | 'signedReview',
      string
    >
  >;
  close(): Promise<void>;
}

const requester: Actor = { id: 'requester', kind: 'requester', role: null, approval: null };

function good<T>(value: T | Refusal): T {
  if (isRefusal(value)) throw new Error(`${value.code}: ${value.detail}`);
  return value;
}

/** @param port a free port; pages link to it */
export async function openScene(port: number): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'muniment-scene-'));
  const config = readConfig({ MUNIMENT_DATA: folder, PORT: String(port) });
  const service = await startService(config, {
    port,
    host: '127.0.0.1',
    demo: true,
    role: 'all',
    print: () => {},
    log: () => {},
  });
  const { office } = service.house;
  const codes = async (reference = '') => {
    const texts = good(await outgoingMail(office, 100))
      .filter(({ template }) => template === 'identity-code')
      .map(({ letter }) => letter.reveal().text);
    return texts.flatMap((text) => (text.includes(reference) ? (/code is (\d{8})/.exec(text)?.[1] ?? []) : []));
  };
  const code = (reference: string) => waitUntil(async () => (await codes(reference))[0]);
  const ids = await work(office, code);
  return {
    service,
    url: `http://localhost:${port}`,
    password: (await readFile(join(folder, 'demo-password.txt'), 'utf8')).trim(),
    office,
    codes,
    ids,
    async close() {
      await service.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function work(office: Office, code: (reference: string) => Promise<string>) {
  const cli: Actor = { id: 'cli:scene', kind: 'cli', role: 'admin', approval: null };
  const caller = (name: string, role: 'privacy' | 'legal' | 'compliance') => callerFor(office, { name, role });
  const [privacyA, privacyB, legalA, legalB, compliance] = [
    await caller('Rosa Privacy', 'privacy'),
    await caller('Ben Privacy', 'privacy'),
    await caller('Ina Legal', 'legal'),
    await caller('Joel Legal', 'legal'),
    await caller('Uma Compliance', 'compliance'),
  ];
  const ask = async (type: 'access' | 'erasure', email: string, verify: boolean) => {
    const request = good(
      await receiveRequest(office, requester, {
        type,
        regime: null,
        channel: 'portal',
        receivedAt: null,
        subject: { name: null, identifiers: [{ kind: 'email', value: email }] },
        details: null,
      }),
    );
    if (!verify) return request.id;
    good(await confirmCode(office, requester, request.reference, await code(request.reference)));
    await inState(request.id, 'review');
    return request.id;
  };
  const inState = (id: string, state: string) =>
    waitUntil(async () => good(await lookUpRequest(office, id)).state === state);

  const demand = good(
    await receiveDemand(office, legalA.actor, {
      type: 'civil_subpoena',
      channel: 'console',
      receivedAt: office.now().subtract({ hours: 50 }),
      dueAt: office.now().add({ hours: 24 * 12 }),
      emergency: false,
      issuedAt: null,
      orderedPeriod: null,
      paper: {
        instrumentNumber: '26-DR-04417',
        issuer: { name: 'Circuit Court of Multnomah County', country: 'US', court: 'Family Division' },
        requester: { name: 'J. Hartwell', agency: 'Hartwell & Moss LLP', role: 'counsel for petitioner', email: null },
        targets: [{ kind: 'email', value: demoPeople.daniel.email ?? '' }],
        scope: { dataClasses: ['content'], from: '2025-01-01', to: '2026-10-31' },
        caption: 'Reyes v. Reyes',
        notes: null,
      },
    }),
  );
  const hold = good(
    await placeHold(office, legalA.actor, {
      matter: 'Reyes v. Reyes',
      reason: 'Custody proceeding, preservation letter of 3 November',
      scope: {
        keys: {
          'app.conversations': [{ id: String(demoConversations.money) }, { id: String(demoConversations.schedule) }],
        },
      },
      demandId: demand.id,
      requestId: null,
      reviewOn: office
        .now()
        .add({ hours: 24 * 90 })
        .toString()
        .slice(0, 10),
    }),
  );
  good(
    await reviewHold(office, legalA.actor, hold.id, {
      note: 'The hearing is in March; both conversations are evidence.',
      reviewOn: office
        .now()
        .add({ hours: 24 * 180 })
        .toString()
        .slice(0, 10),
    }),
  );
  const [, kim] = good(
    await askCustodians(office, legalA.actor, hold.id, {
      people: [
        { name: 'Priya Natarajan', email: 'priya@example.org' },
        { name: 'Kim Larsen', email: 'kim@example.org' },
      ],
      instructions: 'Notes and calendars of the mediation in June,\nand messages about the school.',
    }),
  );
  const linkTo = async (address: string) => {
    const letter = good(await outgoingMail(office, 50)).find((one) => one.letter.reveal().to === address);
    return /\/custodian\/[\w-]+/.exec(letter?.letter.reveal().text ?? '')?.[0] ?? '';
  };
  good(await acknowledge(office, (await linkTo('priya@example.org')).split('/').at(-1) ?? ''));
  good(await remindCustodian(office, legalA.actor, kim?.id ?? ''));
  const custodianLink = await linkTo('kim@example.org');
  const releasing = good(
    await placeHold(office, legalA.actor, {
      matter: 'Okada inquiry',
      reason: 'Closed',
      scope: { subjects: [{ kind: 'email', value: demoPeople.kenta.email ?? '' }] },
      demandId: null,
      requestId: null,
    }),
  );
  good(await requestRelease(office, legalA.actor, releasing.id));
  await takeBehindItsBack(office, releasing.id);

  const run = good(await planDisposition(office, compliance.actor, { rules: [], dryRun: false }));
  await waitUntil(async () => good(await lookUpRun(office, run.id)).certificate !== null);
  const dryRun = good(await planDisposition(office, compliance.actor, { rules: [], dryRun: true }));

  const fresh = await ask('access', demoPeople.amina.email ?? '', false);
  const erasure = await ask('erasure', demoPeople.thomas.email ?? '', true);
  good(await decideRequest(office, privacyA.actor, erasure, { outcome: 'granted', reason: null }));
  const erased = await ask('erasure', demoPeople.tomas.email ?? '', true);
  good(await decideRequest(office, privacyA.actor, erased, { outcome: 'granted', reason: null }));
  good(await approveAccessPackage(office, privacyB, erased));
  await inState(erased, 'closed');
  const answered = await ask('access', demoPeople.morgan.email ?? '', true);
  good(await decideRequest(office, privacyA.actor, answered, { outcome: 'granted', reason: null }));
  await waitUntil(async () => {
    const approved = await approveAccessPackage(office, privacyB, answered);
    if (isRefusal(approved) && approved.code !== 'not_ready') throw new Error(approved.detail);
    return !isRefusal(approved);
  });
  await inState(answered, 'closed');

  good(
    await attachDocument(office, legalA.actor, demand.id, {
      bytes: (async function* () {
        yield Buffer.from('%PDF-1.4 a subpoena as it was served');
      })(),
      mediaType: 'application/pdf',
    }),
  );
  good(
    await moveDemand(
      office,
      legalA.actor,
      demand.id,
      'authenticate',
      'Called back the clerk under the number on the county’s own site',
    ),
  );
  const incident = good(
    await openIncident(office, privacyA.actor, {
      story: {
        title: 'Backup folder readable from outside',
        nature: 'For two days a folder with a copy of the messages could be read by anyone who knew its address.',
        consequences: 'Strangers may have read what parents wrote to each other about money and their children.',
        measures: 'The folder was closed, the address changed, and the access log kept.',
        advice: 'Be careful with messages from strangers who seem to know about your family.',
      },
      awareAt: office.now().subtract({ hours: 31 }),
      scope: { datasets: ['app.users', 'app.messages'], from: '2026-01-01' },
      people: null,
    }),
  );
  good(
    await moveIncident(office, privacyB.actor, incident.id, {
      move: 'assess',
      risk: 'high',
      note: 'Messages about children',
    }),
  );
  const lateIncident = good(
    await openIncident(office, privacyA.actor, {
      story: { title: 'Lost telephone', nature: '', consequences: '', measures: '', advice: '' },
      awareAt: office.now().subtract({ hours: 80 }),
      scope: { subjects: [{ kind: 'email', value: demoPeople.amina.email ?? '' }] },
      people: null,
    }),
  );
  good(
    await moveIncident(office, privacyA.actor, lateIncident.id, {
      move: 'assess',
      risk: 'none',
      note: 'Encrypted and wiped',
    }),
  );
  const order = {
    purpose: 'legal_production' as const,
    requestId: null,
    matter: 'Reyes v. Reyes',
    scope: { keys: { 'app.conversations': [{ id: String(demoConversations.money) }] } },
    formats: [],
    timezone: null,
  };
  const sealedExport = good(await requestExport(office, legalA.actor, { ...order, demandId: demand.id }));
  await waitUntil(async () => good(await lookUpExport(office, sealedExport.id)).state === 'awaiting_approval');
  if (legalB.presence) good(await approveExport(office, legalB.actor, legalB.presence, sealedExport.id));
  await waitUntil(async () => good(await lookUpExport(office, sealedExport.id)).state === 'sealed');
  const waitingExport = good(
    await requestExport(office, legalA.actor, {
      ...order,
      purpose: 'certified_export',
      demandId: null,
      matter: 'Certified copy for Morgan Reyes',
    }),
  );
  await waitUntil(async () => good(await lookUpExport(office, waitingExport.id)).state === 'awaiting_approval');
  const { link } = good(
    await invitePerson(office, cli, {
      email: 'nadia@kinfolk.example.com',
      name: 'Nadia Lund',
      role: 'legal',
      title: 'Counsel',
    }),
  );
  // One who has a password and no second factor yet, and one whose token is about to be looked at.
  const newcomer = good(
    await invitePerson(office, cli, { email: newcomerEmail, name: 'Omar Haddad', role: 'legal', title: 'Paralegal' }),
  );
  good(await acceptInvitation(office, newcomer.link.split('/').at(-1) ?? '', newcomerPassword));
  good(await createToken(office, cli, { name: 'nightly-report', role: 'auditor', expires: null, canApprove: false }));
  const lending = good(
    await lendRole(
      office,
      { ...privacyA.actor, kind: 'person' },
      { role: 'legal', reason: lendingReason, minutes: 30 },
    ),
  );
  good(
    await requestExport(office, privacyA.actor, {
      ...order,
      purpose: 'certified_export',
      demandId: null,
      matter: 'Copy for the duty judge',
    }),
  );
  good(await returnRole(office, privacyA.actor, lending.id, false));
  // Yesterday's review is signed, today's is being worked on.
  const tom = (await peoplePage(office)).find(({ email }) => email === signInAs.admin)?.id ?? '';
  const boss: Actor = { id: tom, kind: 'person', role: 'admin', approval: 'step_up' };
  const signedReview = good(
    await openReviewNow({ ...office, now: () => office.now().subtract({ hours: 24 }) }, compliance.actor),
  );
  const openReview = good(await openReviewNow(office, compliance.actor));
  const report = signedReview.rows.findLast(({ kind, role }) => kind === 'token' && role === 'auditor')?.id;
  for (const by of [compliance.actor, boss]) {
    const { review } = good(await lookUpReview(office, signedReview.id));
    const others = undecided(review).filter(({ actor }) => actor !== by.id);
    const choices = others.map(({ id: row }) => ({ row, keep: row !== report }));
    good(await decideAccess(office, by, review.id, choices));
  }
  good(await signReview(office, boss, signedReview.id));
  const some = openReview.rows.filter(({ actor }) => actor !== tom).slice(0, 4);
  const kept = some.map(({ id: row }) => ({ row, keep: true }));
  good(await decideAccess(office, boss, openReview.id, kept));
  return {
    lending: lending.id,
    openReview: openReview.id,
    signedReview: signedReview.id,
    invitation: new URL(link).pathname,
    person: newcomer.actor,
    fresh,
    answered,
    erasure,
    erased,
    hold: hold.id,
    matter: hold.matterId ?? '',
    custodianLink,
    releasing: releasing.id,
    dryRun: dryRun.id,
    run: run.id,
    demand: demand.id,
    incident: incident.id,
    lateIncident: lateIncident.id,
    waitingExport: waitingExport.id,
    sealedExport: sealedExport.id,
  };
}

/** Somebody with a password of the application deletes a held reaction; the comparison finds it. */
async function takeBehindItsBack(office: Office, hold: string): Promise<void> {
  const app = office.policy.dataMap.app;
  const covered = office.sources.get('app')?.keysCovered?.(hold, 'app.reactions') ?? [];
  for await (const [message = '', person = ''] of covered) {
    if (app?.kind !== 'postgres') break;
    const sql = postgres(app.url, { max: 1 });
    await sql`DELETE FROM reactions WHERE message_id = ${message} AND user_id = ${person}`;
    await sql.end();
    break;
  }
  good(await compareNow(office, clockActor, hold));
}

const lendingReason = 'The court asks for the exchange of last night by nine; nobody of legal answers the telephone.';

/** A page worth looking at. */
export interface ScenePage {
  readonly name: string;
  readonly path: string;
  /** Who is signed in. */
  readonly as: 'nobody' | 'privacy' | 'legal' | 'compliance' | 'auditor' | 'admin';
  /** What is done on the page at `path` before it is looked at. */
  readonly act?: (page: Page) => Promise<void>;
}

/** One who was let in and has no second factor yet. */
export const newcomerEmail = 'omar@kinfolk.example.com';
export const newcomerPassword = 'several plain words of his own';

/** As far as a password brings: to the second factor, or to setting one up. */
export async function givePassword(page: Page, email: string, password: string): Promise<void> {
  await page.fill('#email', email);
  await page.fill('#password', password);
  await page.click('main button[type=submit]');
  await page.waitForURL(/second-factor/);
}

const submit = (page: Page) => page.click('main button[type=submit]');

/** Every page worth looking at. */
export function scenePages(scene: Scene): readonly ScenePage[] {
  const { ids, office } = scene;
  const email = demoPeople.morgan.email ?? '';
  const askForCode = async (page: Page) => {
    const { reference } = good(await lookUpRequest(office, ids.answered));
    await page.fill('#reference', reference);
    await page.fill('#email', email);
    await submit(page);
    await page.waitForSelector('#code');
    return reference;
  };
  const enterCode = async (page: Page) => {
    const before = new Set(await scene.codes());
    const reference = await askForCode(page);
    const fresh = await waitUntil(async () => (await scene.codes(reference)).find((code) => !before.has(code)));
    await page.fill('#code', fresh);
    await submit(page);
    await page.waitForSelector('main .step, main ol, main .notice');
  };
  return [
    { name: 'portal-request', path: '/', as: 'nobody' },
    {
      name: 'portal-received',
      path: '/',
      as: 'nobody',
      act: async (page) => {
        await page.fill('#email', 'lucia.herrera@example.com');
        await submit(page);
      },
    },
    {
      name: 'portal-errors',
      path: '/',
      as: 'nobody',
      act: async (page) => {
        await page.fill('#email', 'lucia.herrera');
        await page.evaluate('document.querySelector("main form").noValidate = true');
        await submit(page);
      },
    },
    {
      name: 'portal-code',
      path: '/status',
      as: 'nobody',
      act: async (page) => {
        await askForCode(page);
      },
    },
    {
      name: 'portal-code-wrong',
      path: '/status',
      as: 'nobody',
      act: async (page) => {
        await askForCode(page);
        await page.fill('#code', '00000000');
        await submit(page);
      },
    },
    { name: 'portal-answered', path: '/status', as: 'nobody', act: enterCode },
    { name: 'portal-custodian', path: ids.custodianLink, as: 'nobody' },
    { name: 'portal-link-expired', path: `/package/${'x'.repeat(43)}`, as: 'nobody' },
    { name: 'invitation', path: ids.invitation, as: 'nobody' },
    { name: 'invitation-expired', path: '/console/invitation/no-such-secret', as: 'nobody' },
    {
      name: 'sign-in-wrong',
      path: '/console/sign-in',
      as: 'nobody',
      act: async (page) => {
        await page.fill('#email', signInAs.legal);
        await page.fill('#password', 'not the password');
        await submit(page);
      },
    },
    {
      name: 'sign-in-second-factor',
      path: '/console/sign-in',
      as: 'nobody',
      act: (page) => givePassword(page, signInAs.legal, scene.password),
    },
    {
      name: 'sign-in-code-wrong',
      path: '/console/sign-in',
      as: 'nobody',
      act: async (page) => {
        await givePassword(page, signInAs.auditor, scene.password);
        await page.fill('#code', '000000');
        await page.click('form:has(#code) button[type=submit]');
      },
    },
    {
      name: 'sign-in-set-up',
      path: '/console/sign-in',
      as: 'nobody',
      act: (page) => givePassword(page, newcomerEmail, newcomerPassword),
    },
    {
      name: 'sign-in-scan',
      path: '/console/sign-in',
      as: 'nobody',
      act: async (page) => {
        await givePassword(page, newcomerEmail, newcomerPassword);
        await page.fill('#password', newcomerPassword);
        await page.click('form:has(#password) button[type=submit]');
      },
    },
    {
      name: 'sign-in-passkey',
      path: '/console/sign-in',
      as: 'nobody',
      act: (page) => page.click('form[action$=passkey] button'),
    },
    { name: 'step-up', path: '/console/step-up', as: 'legal' },
    { name: 'account', path: '/console/account', as: 'legal' },
    { name: 'person', path: `/console/settings/people/${ids.person}`, as: 'admin' },
    { name: 'invite', path: '/console/settings/invite', as: 'admin' },
    { name: 'alarms', path: '/console/alarms', as: 'compliance' },
    { name: 'break-glass', path: '/console/account/break-glass', as: 'privacy' },
    {
      name: 'break-glass-held',
      path: '/console/demands',
      as: 'privacy',
      act: async (page) => {
        const quentin = (await peoplePage(office)).find(({ email: one }) => one === signInAs.privacy)?.id ?? '';
        const by: Actor = { id: quentin, kind: 'person', role: 'privacy', approval: 'step_up' };
        const lent = good(await lendRole(office, by, { role: 'legal', reason: lendingReason, minutes: 30 }));
        await page.reload();
        await page.waitForSelector('.lent');
        good(await returnRole(office, by, lent.id, false));
      },
    },
    { name: 'lending', path: `/console/alarms/lent/${ids.lending}`, as: 'compliance' },
    { name: 'reviews', path: '/console/settings/reviews', as: 'compliance' },
    { name: 'reviews-auditor', path: '/console/settings/reviews', as: 'auditor' },
    { name: 'review', path: `/console/settings/reviews/${ids.openReview}`, as: 'compliance' },
    { name: 'review-own-row', path: `/console/settings/reviews/${ids.openReview}`, as: 'admin' },
    { name: 'review-signed', path: `/console/settings/reviews/${ids.signedReview}`, as: 'auditor' },
    { name: 'console-not-found', path: '/console/no-such-page', as: 'legal' },
    { name: 'overview-admin', path: '/console', as: 'admin' },
    { name: 'overview-legal', path: '/console', as: 'legal' },
    { name: 'portal-status', path: '/status', as: 'nobody' },
    { name: 'portal-retention', path: '/retention', as: 'nobody' },
    { name: 'portal-legal', path: '/legal', as: 'nobody' },
    { name: 'portal-transparency', path: '/transparency', as: 'nobody' },
    { name: 'portal-verify', path: '/verify', as: 'nobody' },
    { name: 'portal-not-found', path: '/no-such-page', as: 'nobody' },
    { name: 'sign-in', path: '/console/sign-in', as: 'nobody' },
    { name: 'overview', path: '/console', as: 'compliance' },
    { name: 'requests', path: '/console/requests', as: 'privacy' },
    { name: 'request-fresh', path: `/console/requests/${ids.fresh}`, as: 'privacy' },
    { name: 'request-answered', path: `/console/requests/${ids.answered}`, as: 'privacy' },
    { name: 'request-erasure', path: `/console/requests/${ids.erasure}`, as: 'privacy' },
    { name: 'request-approve', path: `/console/requests/${ids.erasure}/approve`, as: 'privacy' },
    { name: 'request-erased', path: `/console/requests/${ids.erased}`, as: 'privacy' },
    { name: 'holds', path: '/console/holds', as: 'legal' },
    { name: 'hold', path: `/console/holds/${ids.hold}`, as: 'legal' },
    { name: 'hold-release', path: `/console/holds/${ids.releasing}`, as: 'legal' },
    { name: 'hold-approve', path: `/console/holds/${ids.releasing}/approve`, as: 'legal' },
    { name: 'coverage', path: `/console/holds/${ids.releasing}/coverage`, as: 'legal' },
    { name: 'custodians', path: `/console/holds/${ids.hold}/custodians`, as: 'legal' },
    { name: 'matters', path: '/console/matters', as: 'legal' },
    { name: 'matter', path: `/console/matters/${ids.matter}`, as: 'legal' },
    { name: 'hold-new', path: '/console/holds/new', as: 'legal' },
    { name: 'retention', path: '/console/retention', as: 'compliance' },
    { name: 'forecast', path: '/console/retention/forecast', as: 'compliance' },
    { name: 'run', path: `/console/retention/${ids.run}`, as: 'compliance' },
    { name: 'run-dry', path: `/console/retention/${ids.dryRun}`, as: 'compliance' },
    { name: 'demands', path: '/console/demands', as: 'legal' },
    { name: 'demand', path: `/console/demands/${ids.demand}`, as: 'legal' },
    { name: 'demand-new', path: '/console/demands/new', as: 'legal' },
    { name: 'incidents', path: '/console/incidents', as: 'privacy' },
    {
      name: 'incident',
      path: `/console/incidents/${ids.incident}`,
      as: 'privacy',
      act: (page) => page.evaluate('for (const one of document.querySelectorAll("main details")) one.open = true'),
    },
    { name: 'incident-late', path: `/console/incidents/${ids.lateIncident}`, as: 'privacy' },
    { name: 'incident-read', path: `/console/incidents/${ids.incident}`, as: 'auditor' },
    { name: 'incident-new', path: '/console/incidents/new', as: 'privacy' },
    { name: 'incident-waive', path: `/console/incidents/${ids.lateIncident}/waive_authority`, as: 'legal' },
    { name: 'exports', path: '/console/exports', as: 'legal' },
    { name: 'export-waiting', path: `/console/exports/${ids.waitingExport}`, as: 'legal' },
    { name: 'export-approve', path: `/console/exports/${ids.waitingExport}/approve`, as: 'legal' },
    { name: 'export-sealed', path: `/console/exports/${ids.sealedExport}`, as: 'legal' },
    { name: 'export-new', path: '/console/exports/new', as: 'legal' },
    { name: 'ledger', path: '/console/ledger', as: 'auditor' },
    { name: 'policies', path: '/console/policies', as: 'auditor' },
    { name: 'mail', path: '/console/mail', as: 'privacy' },
    { name: 'settings', path: '/console/settings', as: 'admin' },
    { name: 'forbidden', path: '/console/settings', as: 'legal' },
  ];
}

/** Whom a page is seen as. */
export const signInAs = {
  privacy: 'quentin@kinfolk.example.com',
  legal: 'marcus@kinfolk.example.com',
  compliance: 'carla@kinfolk.example.com',
  auditor: 'astrid@kinfolk.example.com',
  admin: 'tom@kinfolk.example.com',
} as const;
