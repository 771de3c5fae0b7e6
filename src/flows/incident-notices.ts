import { type Incident, isLate, lateReasons } from '../incidents/incident.ts';
import {
  categoryInWords,
  type IncidentNoticeFacts,
  writeAuthorityNotice,
  writePersonsNotice,
} from '../notices/incident-notices.ts';
import type { Office } from './office.ts';

/** The notices of a breach, filled from what is known now. They are shown to be copied; nothing is sent. */
export function incidentNotices(
  office: Pick<Office, 'policy'>,
  incident: Incident,
  now: Temporal.Instant,
): { authority: string; persons: string } {
  const { organization } = office.policy;
  const { nature, consequences, measures, advice } = incident.story.reveal();
  const reason = incident.history.findLast((item) => item.reason !== undefined)?.reason;
  const { counts } = incident;
  const counted = counts?.datasets.filter(({ count }) => count !== null) ?? [];
  const facts: IncidentNoticeFacts = {
    organization: organization.name,
    address: organization.address,
    contact: organization.privacy,
    reference: incident.reference,
    awareAt: inWords(incident.awareAt, organization.zone),
    nature,
    consequences,
    measures,
    advice,
    people: counts?.people ?? null,
    records: counted.length === 0 ? null : counted.reduce((sum, { count }) => sum + (count ?? 0), 0),
    categories: (counts?.categories ?? []).map(({ category, count }) => ({
      category: categoryInWords(category),
      count,
    })),
    uncounted: counts?.datasets.flatMap(({ dataset, count }) => (count === null ? [dataset] : [])) ?? [],
    lateBecause: reason === undefined ? null : lateReasons[reason],
    isLate: reason !== undefined || isLate(incident, now),
  };
  return { authority: writeAuthorityNotice(facts), persons: writePersonsNotice(facts) };
}

function inWords(at: Temporal.Instant, zone: string): string {
  const local = at.toZonedDateTimeISO(zone);
  const day = local.toLocaleString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
  return `${day}, ${local.toPlainTime().toString({ smallestUnit: 'minute' })} (${local.offset})`;
}

/** A category of the data map as people say it. */
export { categoryInWords };
