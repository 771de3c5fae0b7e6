import { formatInstant } from '../core/instants.ts';
import { watchedHolds } from '../db/coverages.ts';
import { openPlacements } from '../db/holds.ts';
import { countWrapped, unknownMasterVersions } from '../db/keys.ts';
import { pendingCount } from '../db/ledger.ts';
import { refusedNotices } from '../db/notices.ts';
import { type Excess, excessOfOwnRole } from '../db/roles.ts';
import type { Office } from './office.ts';
import { newestMaster, rotateAfterDays } from './rotate-keys.ts';

export interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  /** Whether this process cannot do its work before it is mended; else somebody should look at it. */
  readonly stopsWork: boolean;
  /** What was found; when it is not good, what to do about it. */
  readonly detail: string;
}

export interface HealthReport {
  /** Whether this process can do its work. */
  readonly ok: boolean;
  readonly checks: readonly HealthCheck[];
}

type Found = Omit<HealthCheck, 'name'>;
const good = (detail: string): Found => ({ ok: true, stopsWork: false, detail });
const worthKnowing = (detail: string): Found => ({ ok: false, stopsWork: false, detail });
const wrong = (detail: string): Found => ({ ok: false, stopsWork: true, detail });

/** Bytes below which a package or a certificate may not find room. */
const roomNeeded = 1_000_000_000;
/** Nights after its 90 days on which a key of our own making was not replaced, before somebody should look. */
const nightsMissed = 3;
/** Seconds by which two clocks may differ: half a minute decides no deadline and no cutoff of days. */
const clockTolerance = 30;

/**
 * Whether this process can do its work: its database, ledger, tasks, sources, policies, keys, clock, mail and disk.
 * A check that cannot be made is wrong, never good.
 */
export async function readHealth(office: Office): Promise<HealthReport> {
  const checks: HealthCheck[] = [];
  const check = async (name: string, ask: () => Promise<Found>) => {
    checks.push({ name, ...(await ask().catch(() => wrong('There was no answer.'))) });
  };
  await check('database', () => databaseHealth(office));
  await check('database role', () => roleHealth(office));
  await check('clock', () => clockHealth(office));
  await check('ledger', async () => {
    const waiting = await pendingCount(office.store.db);
    return waiting > 10_000
      ? wrong(`${waiting} entries wait for their place. Start a worker (serve --role worker).`)
      : good('entries get their place');
  });
  await check('tasks', () => tasksHealth(office));
  for (const source of office.sources.values())
    await check(`source ${source.name}`, async () => {
      const drift = (await source.check(office.policy.retention)).filter(({ level }) => level === 'drift');
      return drift[0] ? wrong(drift[0].detail) : good('reached, and as the data map says');
    });
  await check('holds', () => holdsHealth(office));
  await check('policies', async () => good(`in force: ${office.policy.digest}`));
  await check('keys', () => keysHealth(office));
  await check('mail', () => mailHealth(office));
  await check('disk', () => diskHealth(office));
  return { ok: checks.every(({ stopsWork }) => !stopsWork), checks };
}

async function databaseHealth(office: Office): Promise<Found> {
  const [row] = await office.store.db.sql<{ version: string }[]>`SELECT current_setting('server_version') AS version`;
  return good(`PostgreSQL ${row?.version}`);
}

const excessWords: Readonly<Record<Excess, string>> = {
  superuser: 'is a superuser',
  owner: "owns Muniment's tables, or is a member of the role that does",
  makes_roles: 'may make roles',
  replicates: 'may replicate',
  creates: 'may create in the database',
  server_files: 'may reach files and programs of the database server, or switch its triggers off',
  ledger_rights: 'has more rights on the ledger than adding to it needs',
};

/** Only a role that can alter nothing makes the ledger's own refusals hold against the service's connection. */
async function roleHealth(office: Office): Promise<Found> {
  const { role, excess } = await excessOfOwnRole(office.store.db);
  const found = excess.includes('superuser') ? ['superuser' as const] : excess;
  return found.length === 0
    ? good(`${role} adds to the ledger and can alter nothing`)
    : worthKnowing(
        `The service's role ${role} ${found.map((kind) => excessWords[kind]).join('; ')}: whoever gets its connection could rewrite the ledger. Give the tables to a role of their own and name that in MUNIMENT_MIGRATION_URL (docs/OPERATIONS.md, "Two roles").`,
      );
}

/** The guards of a run trust this clock; the database's is the nearest other one. */
async function clockHealth(office: Office): Promise<Found> {
  const before = office.now();
  const [row] = await office.store.db.sql<{ ms: string }[]>`SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms`;
  const apart = Math.abs(Number(row?.ms) - before.epochMilliseconds) / 1000;
  if (apart > clockTolerance)
    return wrong(`This machine's clock and the database's are ${Math.round(apart)} s apart. Set them by NTP.`);
  return good('agrees with the database');
}

/** Nights after which a hold that was not compared with its sources is worth a word. */
const nightsUncompared = 2;

async function holdsHealth(office: Office): Promise<Found> {
  const since = office.now().subtract({ hours: 24 * nightsUncompared });
  const { missing, unchecked } = await watchedHolds(office.store, since);
  if (missing.length > 0)
    return worthKnowing(
      `Records that ${missing.join(', ')} held are gone or changed, and not by us. Open the hold's coverage, and say under Alarms that you looked.`,
    );
  const pending = (await openPlacements(office.store)).filter(({ placements }) =>
    Object.values(placements).some(({ state }) => state === 'pending'),
  );
  if (pending.length > 0)
    return worthKnowing(
      `Not in place everywhere: ${pending.map(({ id }) => id).join(', ')}. What they may cover is not purged; mend the source that could not be reached.`,
    );
  if (unchecked > 0)
    return worthKnowing(
      `${unchecked} holds were not compared with their sources for ${nightsUncompared} nights. Keep a worker running (serve --role worker), and look at the sources.`,
    );
  return good('in place, and compared with their sources');
}

async function tasksHealth(office: Office): Promise<Found> {
  const failing = await office.store.tasks.failing();
  return failing.length > 0
    ? worthKnowing(
        `Failed, and will be tried again: ${failing.join(', ')}. The log says why; a start of the service tries at once.`,
      )
    : good('none is failing');
}

async function keysHealth(office: Office): Promise<Found> {
  const missing = await unknownMasterVersions(office.store);
  if (missing.length > 0)
    return wrong(
      `Keys of cases are wrapped by the master key ${missing.join(', ')}, which is not configured: they cannot be read. Add it to MUNIMENT_MASTER_KEY.`,
    );
  const { masters } = office.store.vault;
  const newest = await newestMaster(office);
  const older = masters.current().length - 1;
  const days = newest?.since ? Math.floor(office.now().since(newest.since).total('hours') / 24) : 0;
  const wrapped = await countWrapped(office.store.db.orm);
  const behind = wrapped.filter(({ version }) => version !== newest?.version);
  if (behind.length > 0)
    return worthKnowing(
      `Older master keys still wrap something (${behind.map(({ version }) => version).join(', ')}). Run muniment keys rotate, and remove them only after that.`,
    );
  if (masters.kind === 'environment' && days > rotateAfterDays)
    return worthKnowing(
      `The master key ${newest?.version} is ${days} days old; ${rotateAfterDays} are meant. Make one and rotate (docs/OPERATIONS.md, "The master key").`,
    );
  if (masters.kind === 'file' && days > rotateAfterDays + nightsMissed)
    return worthKnowing(
      `The master key ${newest?.version} is ${days} days old: no worker has looked after it at night. Run muniment keys rotate, and keep a worker running (serve --role worker).`,
    );
  if (masters.kind === 'file' && !office.demonstration)
    return worthKnowing(
      'The master key was made here and lies beside the data. In production set MUNIMENT_MASTER_KEY.',
    );
  return good(
    `every case key can be opened; the master key is ${newest?.version ?? 'none'}${newest?.since ? `, ${days} days old (since ${formatInstant(newest.since).slice(0, 10)})` : ''}${older > 0 ? `; ${older} older wrap nothing and are there for backups` : ''}`,
  );
}

async function mailHealth(office: Office): Promise<Found> {
  const answers = await office.post.check();
  if (answers === false) return wrong('The mail server does not answer. Check SMTP_URL.');
  const refused = await refusedNotices(office.store, office.now().subtract({ hours: 24 * 30 }));
  if (refused.length > 0)
    return worthKnowing(`The mail server refused letters for ${refused.join(', ')}. Reach these people another way.`);
  if (answers === null && !office.demonstration)
    return worthKnowing('SMTP_URL is not set: nobody gets mail, so nobody can prove who they are.');
  return good(answers === null ? 'kept, and shown in the console' : 'the mail server answers');
}

async function diskHealth(office: Office): Promise<Found> {
  const free = await office.blobs.freeBytes();
  const gigabytes = (free / 1e9).toFixed(1);
  return free < roomNeeded
    ? wrong(`${gigabytes} GB are free in the data folder. Make room: exports and certificates are written there.`)
    : good(`${gigabytes} GB free in the data folder`);
}
