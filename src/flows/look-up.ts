import { type Refusal, refuse } from '../core/refusal.ts';
import { listDemands, loadDemand } from '../db/demands.ts';
import { loadExport } from '../db/exports.ts';
import { listHolds, loadHold } from '../db/holds.ts';
import { listIncidents, loadIncident } from '../db/incidents.ts';
import { allKeys } from '../db/keys.ts';
import { listNotices } from '../db/notices.ts';
import { listPeople, listTokens, namesOf, personById } from '../db/people.ts';
import { listRequests, loadRequest } from '../db/requests.ts';
import { batchesOfRun, listRuns, loadRun } from '../db/runs.ts';
import type { Office } from './office.ts';

/** One page of a list. `offset` counts from the newest (or most urgent) item. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
}

const known = async <T>(found: Promise<T | null>, what: string): Promise<T | Refusal> =>
  (await found) ?? refuse('not_found', `There is no such ${what}.`);

export const lookUpRequest = (office: Office, id: string) => known(loadRequest(office.store, id), 'request');
export const lookUpHold = (office: Office, id: string) => known(loadHold(office.store, id), 'hold');
export const lookUpRun = (office: Office, id: string) => known(loadRun(office.store, id), 'run');
export const lookUpDemand = (office: Office, id: string) => known(loadDemand(office.store, id), 'demand');
export const lookUpIncident = (office: Office, id: string) => known(loadIncident(office.store, id), 'incident');
export const lookUpExport = (office: Office, id: string) => known(loadExport(office.store, id), 'export');

export const requestsPage = (office: Office, { limit, offset }: Page) => listRequests(office.store, limit, offset);
export const holdsPage = (office: Office, { limit, offset }: Page) => listHolds(office.store, limit, offset);
export const runsPage = (office: Office, { limit, offset }: Page) => listRuns(office.store, limit, offset);
export const demandsPage = (office: Office, { limit, offset }: Page) => listDemands(office.store, limit, offset);
export const incidentsPage = (office: Office, { limit, offset }: Page) => listIncidents(office.store, limit, offset);

/** A run's purge log. */
export const purgeLog = (office: Office, run: string) => batchesOfRun(office.store, run);

/** Names of actors by id, for pages. */
export const actorNames = (office: Office) => namesOf(office.store);

export const lookUpPerson = (office: Office, id: string) => known(personById(office.store, id), 'person');
export const peoplePage = (office: Office) => listPeople(office.store);
export const tokensPage = (office: Office) => listTokens(office.store);
export const keysPage = (office: Office) => allKeys(office.store);

/** The demonstration's outgoing mail. Refused anywhere else: these are people's letters. */
export async function outgoingMail(office: Office, limit: number) {
  if (!office.demonstration) return refuse('not_found', 'Outgoing mail is shown in the demonstration only.');
  return listNotices(office.store, limit);
}
