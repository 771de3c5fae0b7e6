import { desc, eq } from 'drizzle-orm';
import type { Json } from '../core/canonical-json.ts';
import { personal } from '../core/personal.ts';
import type { AffectedCounts, Incident, IncidentState, Story } from '../incidents/incident.ts';
import type { HoldScope } from '../policy/hold.ts';
import type { Store } from './commit.ts';
import { incidents } from './schema.ts';
import type { Vault } from './vault.ts';

interface Sealed {
  readonly story: Story;
  readonly scope: HoldScope;
  /** By place in the history: why staff made a move, in their own words, which may name anybody. */
  readonly notes: readonly (string | null)[];
}

export async function incidentColumns(vault: Vault, incident: Incident) {
  const secret: Sealed = {
    story: incident.story.reveal(),
    scope: incident.scope.reveal(),
    notes: incident.history.map(({ note }) => note),
  };
  return {
    id: incident.id,
    reference: incident.reference,
    caseId: incident.caseId,
    state: incident.state,
    awareAt: incident.awareAt,
    notifyBy: incident.notifyBy,
    authorityNotifiedAt: incident.authorityNotifiedAt,
    personsNotifiedAt: incident.personsNotifiedAt,
    risk: incident.risk,
    policy: incident.policy,
    datasets: [...incident.datasets],
    counts: incident.counts as unknown as Json | null,
    history: incident.history.map(({ note: _, ...item }) => item) as unknown as Json,
    sealed: await vault.seal(incident.caseId, secret),
  };
}

async function toIncident(store: Store, row: typeof incidents.$inferSelect): Promise<Incident> {
  const secret = (await store.vault.open(row.caseId, row.sealed)).reveal() as Sealed;
  const { sealed: _, ...plain } = row;
  return {
    ...plain,
    state: row.state as IncidentState,
    risk: row.risk as Incident['risk'],
    counts: row.counts as unknown as AffectedCounts | null,
    history: (row.history as unknown as Incident['history']).map((item, place) => ({
      ...item,
      note: secret.notes[place] ?? null,
    })),
    story: personal(secret.story),
    scope: personal(secret.scope),
  };
}

export async function loadIncident(store: Store, id: string): Promise<Incident | null> {
  const [row] = await store.db.orm.select().from(incidents).where(eq(incidents.id, id));
  return row ? toIncident(store, row) : null;
}

/** Incidents, those of which somebody became aware last first. */
export async function listIncidents(store: Store, limit: number, offset: number): Promise<readonly Incident[]> {
  const rows = await store.db.orm
    .select()
    .from(incidents)
    .orderBy(desc(incidents.awareAt), desc(incidents.id))
    .limit(limit)
    .offset(offset);
  return Promise.all(rows.map((row) => toIncident(store, row)));
}
