import { desc, eq } from 'drizzle-orm';
import { personal } from '../core/personal.ts';
import type { Matter } from '../disposition/matter.ts';
import type { Store } from './commit.ts';
import { matters } from './schema.ts';
import type { Vault } from './vault.ts';

interface Sealed {
  readonly name: string;
  readonly docket: string | null;
}

export async function matterColumns(vault: Vault, matter: Matter) {
  const secret: Sealed = { name: matter.name.reveal(), docket: matter.docket.reveal() };
  return {
    id: matter.id,
    reference: matter.reference,
    caseId: matter.caseId,
    state: matter.state,
    openedAt: matter.openedAt,
    openedBy: matter.openedBy,
    closedAt: matter.closedAt,
    closedBy: matter.closedBy,
    sealed: await vault.seal(matter.caseId, secret),
  };
}

async function toMatter(store: Store, row: typeof matters.$inferSelect): Promise<Matter> {
  const secret = (await store.vault.open(row.caseId, row.sealed)).reveal() as Sealed;
  const { sealed: _, ...plain } = row;
  return {
    ...plain,
    state: row.state as Matter['state'],
    name: personal(secret.name),
    docket: personal(secret.docket),
  };
}

export async function loadMatter(store: Store, id: string): Promise<Matter | null> {
  const [row] = await store.db.orm.select().from(matters).where(eq(matters.id, id));
  return row ? toMatter(store, row) : null;
}

export async function matterByReference(store: Store, reference: string): Promise<Matter | null> {
  const [row] = await store.db.orm.select().from(matters).where(eq(matters.reference, reference));
  return row ? toMatter(store, row) : null;
}

/** The open matter of exactly this name, the newest where there are several. Names are sealed: each is opened and compared. */
export async function openMatterNamed(store: Store, name: string): Promise<Matter | null> {
  const rows = await store.db.orm
    .select()
    .from(matters)
    .where(eq(matters.state, 'open'))
    .orderBy(desc(matters.openedAt), desc(matters.id));
  const opened = await Promise.all(rows.map((row) => toMatter(store, row)));
  return opened.find((matter) => matter.name.reveal() === name) ?? null;
}

/** Matters, open ones first, then the newest first. */
export async function listMatters(store: Store, limit: number, offset: number): Promise<readonly Matter[]> {
  const rows = await store.db.orm
    .select()
    .from(matters)
    .orderBy(desc(matters.state), desc(matters.openedAt), desc(matters.id))
    .limit(limit)
    .offset(offset);
  return Promise.all(rows.map((row) => toMatter(store, row)));
}
