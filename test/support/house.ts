import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config.ts';
import { type House, openHouse } from '../../src/house.ts';
import { taskHandlers } from '../../src/jobs/handlers.ts';
import { emptyDatabase, separateRoles } from './database.ts';

/** A whole house on a database of its own, with the policies of a folder and the sources they name. */
export interface TestHouse extends AsyncDisposable {
  readonly house: House;
  readonly folder: string;
  readonly databaseUrl: string;
  close(): Promise<void>;
}

export interface TestHouseOptions {
  readonly policies: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly now?: () => Temporal.Instant;
  /** Carry tasks out, as a worker would. */
  readonly working?: boolean;
  readonly demonstration?: boolean;
  readonly publicUrl?: string;
  /** What a log would get. */
  readonly log?: (...said: unknown[]) => void;
  readonly databaseUrl?: string;
  readonly folder?: string;
  /** The service works as a role that owns nothing. TEST_ROLES=separated says so for every house. */
  readonly separated?: boolean;
}

export async function openTestHouse(options: TestHouseOptions): Promise<TestHouse> {
  const database = options.databaseUrl === undefined ? await emptyDatabase() : null;
  const databaseUrl = options.databaseUrl ?? database?.url ?? '';
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'muniment-house-'));
  const roles = (options.separated ?? process.env.TEST_ROLES === 'separated') ? await separateRoles(databaseUrl) : null;
  const config = readConfig({
    ...options.env,
    DATABASE_URL: roles?.serviceUrl ?? databaseUrl,
    MUNIMENT_MIGRATION_URL: roles?.ownerUrl,
    MUNIMENT_DATA: folder,
    MUNIMENT_POLICIES: options.policies,
    MUNIMENT_MASTER_KEY: '11'.repeat(32),
  });
  const house = await openHouse(config, {
    demo: options.demonstration ?? false,
    publicUrl: options.publicUrl ?? 'http://localhost:3000',
    log: (line) => options.log?.(line),
    report: (what, error) => {
      options.log?.(what, error instanceof Error ? { name: error.name, message: error.message } : error);
      if (process.env.SHOW_FAULTS) console.error(what, error);
    },
    ...(options.now ? { now: options.now } : {}),
  });
  if (options.working) await house.office.store.tasks.work(taskHandlers(house.office));
  const close = async () => {
    await house.close();
    await database?.drop();
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  return { house, folder, databaseUrl, close, [Symbol.asyncDispose]: close };
}
