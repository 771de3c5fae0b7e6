import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { blobStore } from './artifacts/blobs.ts';
import { type Config, ConfigProblem } from './config.ts';
import { systemActor } from './core/actor.ts';
import { hmacSha256, toHex } from './core/hash.ts';
import type { Store } from './db/commit.ts';
import { commit } from './db/commit.ts';
import { openCompany } from './db/company.ts';
import { openDatabase } from './db/connect.ts';
import { type EmbeddedDatabase, startEmbedded } from './db/embedded/start.ts';
import { openErasureFile, replayKeyName } from './db/erasure-file.ts';
import { openKeepsake, refuseIfBehind } from './db/keepsake.ts';
import { keptSecret, ownSecret } from './db/keys.ts';
import { environmentKeys, fileKeys, type MasterKeys } from './db/master-keys.ts';
import { connectionNameOf, mistakenMasters, noteNewest } from './db/master-versions.ts';
import { prepareDatabase } from './db/migrate.ts';
import { ensureSettings, recordPolicy } from './db/settings.ts';
import { openSignIn } from './db/sign-in.ts';
import { openTaskQueue } from './db/tasks.ts';
import { openVault } from './db/vault.ts';
import { ensureKinfolk } from './demo/kinfolk.ts';
import { companyCallback } from './flows/enter-company.ts';
import type { Office } from './flows/office.ts';
import { openSigners } from './flows/signers.ts';
import { entry } from './ledger/entry.ts';
import { openPost } from './notices/post.ts';
import { openWebhook } from './notices/webhook.ts';
import { isWorkingTime } from './policy/organization.ts';
import { type PolicySet, parsePolicySet } from './policy/set.ts';
import type { PolicyFile, PolicyProblem } from './policy/yaml.ts';
import { openSources } from './sources/open.ts';

const version = '0.1.0';

/** Everything a process of Muniment works with, and how to leave it in good order. */
export interface House {
  readonly office: Office;
  readonly config: Config;
  close(): Promise<void>;
}

export interface HouseOptions {
  /** Demonstration mode: Kinfolk beside Muniment. Only without DATABASE_URL and outside production. */
  readonly demo: boolean;
  readonly publicUrl: string;
  readonly log: (line: string) => void;
  readonly report: (what: string, error: unknown) => void;
  /** Tests bring their own clock. */
  readonly now?: () => Temporal.Instant;
}

/** The policy files are wrong: all problems of all files. */
export class PolicyInvalid extends Error {
  readonly problems: readonly PolicyProblem[];

  constructor(problems: readonly PolicyProblem[]) {
    super(`the policies have ${problems.length} problems`);
    this.name = 'PolicyInvalid';
    this.problems = problems;
  }
}

/** The YAML files of a policies folder. */
export async function readPolicyFiles(folder: string): Promise<readonly PolicyFile[]> {
  const names = (await readdir(folder)).filter((name) => /\.ya?ml$/i.test(name)).sort();
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(join(folder, name), 'utf8') })));
}

/**
 * Open the house: database (embedded or given), migrations, policies, keys, sources. The same for the service, a
 * worker and a verb beside them.
 * @throws ConfigProblem, PolicyInvalid, DatabaseBehind, DatabaseUnprepared, EmbeddedDatabaseError, each saying what to do
 */
export async function openHouse(config: Config, options: HouseOptions): Promise<House> {
  const now = options.now ?? (() => Temporal.Instant.fromEpochMilliseconds(Temporal.Now.instant().epochMilliseconds));
  const closing: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const step of closing.splice(0).reverse()) await step();
  };
  try {
    mkdirSync(config.dataFolder, { recursive: true, mode: 0o711 });
    const { url, ownerUrl, embedded } = await findDatabase(config, options.log, closing);
    const demoEnv = options.demo && embedded ? await openDemo(config, embedded, options, now) : {};
    const { ownsQueue } = await prepareDatabase(url, ownerUrl);
    const masters = findMasterKeys(config, options.log, now());
    const db = openDatabase(url, 10, connectionNameOf(masters));
    closing.push(() => db.close());
    const tasks = await openTaskQueue(url, options.report, ownsQueue);
    closing.push(() => tasks.stop(5));
    const policy = await readPolicies(config, demoEnv);
    const store: Store = {
      db,
      vault: openVault(db, masters),
      tasks,
      isWorkingTime: (at) => isWorkingTime(policy.organization, at),
    };
    const sources = openSources(policy.dataMap);
    closing.push(async () => {
      for (const source of sources.values()) await source.close();
    });
    const keepsake = openKeepsake(config.dataFolder);
    await refuseIfBehind(db, keepsake);
    await refuseMistakenKeys(store);
    const random = (bytes: number) => new Uint8Array(randomBytes(bytes));
    const { origin } = await ensureSettings(store, originOf(policy, random), now());
    await keepPolicy(store, policy, now());
    const signers = await openSigners({ store, organization: policy.organization.name, now, random });
    // `verify` reads this file, so that checking a package needs no database.
    await writeFile(join(config.dataFolder, 'root.pem'), signers.rootPem, { mode: 0o644 });
    const post = openPost(config.smtpUrl, {
      name: policy.organization.name,
      address: policy.organization.privacy.email,
    });
    closing.push(() => post.close());
    const signInSecret = await ownSecret(store, 'sign-in', random, now());
    // Only now: a key that has just opened what is here is the one that its name stands for.
    await commit(store, { state: [], entries: [], tasks: [] }, (tx) => noteNewest(tx, masters, systemActor.id, now()));
    const signIn = openSignIn(db, {
      baseUrl: options.publicUrl,
      secret: toHex(hmacSha256(signInSecret, 'session secret 1')),
      secure: options.publicUrl.startsWith('https:'),
      name: `Muniment at ${policy.organization.name}`,
    });
    const office: Office = {
      store,
      sources,
      policy,
      blobs: blobStore(join(config.dataFolder, 'blobs')),
      post,
      signers,
      signIn,
      signInKey: hmacSha256(signInSecret, 'sign-in digests 1'),
      pseudonyms: await ownSecret(store, 'pseudonyms', random, now()),
      company: config.company
        ? openCompany(config.company, {
            redirectUri: `${new URL(options.publicUrl).origin}${companyCallback}`,
            report: options.report,
          })
        : null,
      webhook: config.alarmWebhook ? openWebhook(config.alarmWebhook.url, config.alarmWebhook.secret) : null,
      checkpointSigner: { origin, ...signers.ledger },
      erasures: openErasureFile(config.erasuresFile, masters, (of) => keptSecret(store, replayKeyName(of))),
      publicUrl: options.publicUrl,
      demonstration: options.demo,
      version,
      tzdb: process.versions.tz ?? null,
      now,
      random,
      clockJumpSeconds: jumpSince(now),
      keepsake,
    };
    return { office, config, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the service connects to, and who owns the tables there; null: the service, or somebody whom it does not know. */
interface FoundDatabase {
  readonly url: string;
  readonly ownerUrl: string | null;
  readonly embedded: EmbeddedDatabase | null;
}

async function findDatabase(
  config: Config,
  log: (line: string) => void,
  closing: (() => Promise<void> | void)[],
): Promise<FoundDatabase> {
  if (config.databaseUrl !== null) return { url: config.databaseUrl, ownerUrl: config.migrationUrl, embedded: null };
  const embedded = await startEmbedded({ folder: join(config.dataFolder, 'database'), log });
  closing.push(() => embedded.stop());
  const [owner, service] = ['muniment_owner', 'muniment_service'];
  await embedded.ensureRole(owner);
  await embedded.ensureRole(service);
  await embedded.ensureDatabase('muniment', owner);
  return { url: embedded.url('muniment', service), ownerUrl: embedded.url('muniment', owner), embedded };
}

/** Bring the database to this version and do nothing else: what a deployment runs with the owner's connection. */
export async function migrateDatabase(config: Config, log: (line: string) => void): Promise<readonly string[]> {
  mkdirSync(config.dataFolder, { recursive: true, mode: 0o711 });
  const closing: (() => Promise<void> | void)[] = [];
  try {
    const { url, ownerUrl } = await findDatabase(config, log, closing);
    return (await prepareDatabase(url, ownerUrl)).granted;
  } finally {
    for (const step of closing) await step();
  }
}

/** Kinfolk's database and files; what the policies' `${NAME}` should read. */
async function openDemo(
  config: Config,
  embedded: EmbeddedDatabase,
  options: HouseOptions,
  now: () => Temporal.Instant,
): Promise<Record<string, string>> {
  // An application's own role: it owns its database and sees nothing of Muniment's.
  await embedded.ensureRole('kinfolk');
  await embedded.ensureDatabase('kinfolk', 'kinfolk');
  const filesFolder = join(config.dataFolder, 'kinfolk');
  const databaseUrl = embedded.url('kinfolk', 'kinfolk');
  let told = '';
  const { made, kinfolk } = await ensureKinfolk({
    databaseUrl,
    filesFolder,
    today: now().toZonedDateTimeISO('UTC').toPlainDate(),
    seed: 'kinfolk',
    onProgress: ({ step }) => {
      if (step !== told) options.log(`Making the demonstration application Kinfolk: ${step}`);
      told = step;
    },
  });
  if (made)
    options.log(
      `Kinfolk has ${kinfolk.rows.messages.toLocaleString('en')} messages of ${kinfolk.rows.families} families.`,
    );
  return { APP_DATABASE_URL: databaseUrl, KINFOLK_FILES: filesFolder };
}

/** The operator's master keys, or one of our own making: good enough to try Muniment out, and it says so. */
function findMasterKeys(config: Config, log: (line: string) => void, now: Temporal.Instant): MasterKeys {
  if (config.masterKeys.length > 0) return environmentKeys(config.masterKeys);
  const path = join(config.dataFolder, 'master.key');
  const { keys, isNew } = fileKeys(path, now);
  if (isNew)
    log(
      `A master key was made in ${path}. Whoever has this folder can read everything in it; in production set MUNIMENT_MASTER_KEY.`,
    );
  return keys;
}

/** @throws ConfigProblem when a key is another one than the database knows by its name: with it nothing would open */
async function refuseMistakenKeys(store: Store): Promise<void> {
  const [mistaken] = await mistakenMasters(store);
  if (mistaken !== undefined)
    throw new ConfigProblem(
      `The master key "${mistaken}" is not the one that wrapped what is in this database. Put the former one back; give a new one a new name and put it first (MUNIMENT_MASTER_KEY=NEWNAME:HEX,${mistaken}:FORMERHEX). Nothing was started.`,
    );
}

async function readPolicies(config: Config, extra: Readonly<Record<string, string>>): Promise<PolicySet> {
  const files = await readPolicyFiles(config.policiesFolder);
  const { set, problems } = parsePolicySet(files, (name) => config.lookup(name) ?? extra[name]);
  if (!set) throw new PolicyInvalid(problems);
  return set;
}

async function keepPolicy(store: Store, policy: PolicySet, now: Temporal.Instant): Promise<void> {
  const [known] = await store.db.sql`SELECT 1 FROM policy_sets WHERE digest = ${policy.digest}`;
  if (known) return;
  const recorded = entry('policy.recorded', now, 'system', { digest: policy.digest });
  await commit(store, { state: [], entries: [recorded], tasks: [] }, async (tx) => {
    await recordPolicy(tx, policy.digest, policy.content, now);
  });
}

/** The ledger's name: unique to this installation, and fit for a key name (no spaces, no plus). */
function originOf(policy: PolicySet, random: (bytes: number) => Uint8Array): string {
  const organization = policy.organization.name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return `muniment/${organization || 'ledger'}/${toHex(random(6))}`;
}

/** How far the wall clock has moved away from the process's steady clock. */
function jumpSince(now: () => Temporal.Instant): () => number {
  const wall = now().epochMilliseconds;
  const steady = performance.now();
  return () => (now().epochMilliseconds - wall - (performance.now() - steady)) / 1000;
}
